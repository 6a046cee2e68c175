//! What became of each test, as the two kinds of runners print it.

use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Passed,
    Skipped,
    Failed,
}

/// Every test that came to an end, by name.
pub(crate) type Outcomes = BTreeMap<String, Outcome>;

/// `test NAME ... ok` is a line of libtest.
pub(crate) fn of_libtest(output: &str) -> Outcomes {
    let outcome = |line: &str| {
        let (name, verdict) = line.strip_prefix("test ")?.split_once(" ... ")?;
        let outcome = match verdict.split(',').next()? {
            "ok" => Outcome::Passed,
            "FAILED" => Outcome::Failed,
            "ignored" => Outcome::Skipped,
            _ => return None,
        };
        Some((name.to_owned(), outcome))
    };
    output.lines().filter_map(outcome).collect()
}

/// `PATH::NAME WORD [ 5%]` is a line of `pytest -v`. A test with subtests has several, one that
/// passes and then fails to clean up has two: the worst counts.
pub(crate) fn of_pytest(output: &str) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for line in output.lines() {
        if let Some((name, outcome)) = pytest_line(line) {
            let known = outcomes.entry(name.to_owned()).or_insert(outcome);
            *known = outcome.max(*known);
        }
    }
    outcomes
}

const PYTEST_WORDS: [(&str, Outcome); 7] = [
    (" SUBFAILED", Outcome::Failed),
    (" PASSED", Outcome::Passed),
    (" FAILED", Outcome::Failed),
    (" ERROR", Outcome::Failed),
    (" SKIPPED", Outcome::Skipped),
    (" XFAIL", Outcome::Skipped),
    (" XPASS", Outcome::Passed),
];

fn pytest_line(line: &str) -> Option<(&str, Outcome)> {
    // The lines of the summary at the end have the word first.
    let (path, _) = line.split_once("::")?;
    if path.contains(' ') {
        return None;
    }
    let at = |(word, outcome): &(&str, Outcome)| Some((line.find(word)?, *outcome));
    let (end, outcome) = PYTEST_WORDS.iter().find_map(at)?;
    Some((line[path.len() + 2..end].trim_end(), outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(outcomes: &Outcomes) -> Vec<(&str, Outcome)> {
        outcomes.iter().map(|(name, outcome)| (name.as_str(), *outcome)).collect()
    }

    #[test]
    fn libtest_has_a_line_per_test() {
        let output = "running 4 tests\ntest a::b ... ok\ntest c ... FAILED\ntest d ... ignored, slow\n\
                      test e ... \ntest result: FAILED. 1 passed; 1 failed\n";
        let expected = [("a::b", Outcome::Passed), ("c", Outcome::Failed), ("d", Outcome::Skipped)];
        assert_eq!(list(&of_libtest(output)), expected);
    }

    #[test]
    fn pytest_has_a_line_per_verdict_and_the_worst_counts() {
        let output = "t/test_a.py::One::test_x \nt/test_a.py::One::test_x PASSED   [  7%]\n\
                      t/test_a.py::test_y[3-a b] FAILED [ 14%]\nt/test_a.py::test_z SKIPPED (flaky) [20%]\n\
                      t/test_a.py::test_w PASSED [ 30%]\nt/test_a.py::test_w ERROR [ 30%]\n\
                      FAILED t/test_a.py::test_y[3-a b] - boom\n==== 1 failed, 2 passed ====\n";
        let expected = [
            ("One::test_x", Outcome::Passed),
            ("test_w", Outcome::Failed),
            ("test_y[3-a b]", Outcome::Failed),
            ("test_z", Outcome::Skipped),
        ];
        assert_eq!(list(&of_pytest(output)), expected);
    }

    #[test]
    fn a_test_without_a_verdict_is_not_there() {
        assert!(of_pytest("t/test_a.py::test_hangs \n").is_empty());
    }
}
