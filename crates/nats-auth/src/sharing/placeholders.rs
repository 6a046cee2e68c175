//! Wildcards with a number, as destinations name them: `$1` or `{{wildcard(1)}}`.

/// A subject with each `*` numbered: `a.*.b.*` is `a.$1.b.$2`.
pub(crate) fn number_wildcards(subject: &str) -> String {
    let mut wildcards = 0;
    let tokens = subject.split('.').map(|token| {
        if token != "*" {
            return token.to_owned();
        }
        wildcards += 1;
        format!("${wildcards}")
    });
    tokens.collect::<Vec<_>>().join(".")
}

/// The filter of what a destination names, and the numbers of its wildcards in order: `a.$2.$1` is `a.*.*` and 2, 1.
pub(crate) fn filter_of(destination: &str) -> (String, Vec<usize>) {
    let mut numbers = Vec::new();
    let tokens = destination.split('.').map(|token| match placeholder(token) {
        Some(number) => {
            numbers.push(number);
            "*"
        }
        None => token,
    });
    let filter = tokens.collect::<Vec<_>>().join(".");
    (filter, numbers)
}

/// The destination that leads back to `source`, of what [`filter_of`] made these numbers of: with `a.*.*` and 2, 1
/// it is `a.$2.$1`.
pub(crate) fn way_back(source: &str, numbers: &[usize]) -> String {
    let mut wildcards = 0;
    let tokens = source.split('.').map(|token| {
        if token != "*" {
            return token.to_owned();
        }
        wildcards += 1;
        let at = numbers.iter().position(|number| *number == wildcards);
        format!("${}", at.map_or(wildcards, |at| at + 1))
    });
    tokens.collect::<Vec<_>>().join(".")
}

/// The number of a token that stands for a wildcard. One that is no number counts as the first: no transform takes it.
fn placeholder(token: &str) -> Option<usize> {
    if let Some(number) = token.strip_prefix('$') {
        return number.starts_with(|first| ('1'..='9').contains(&first)).then(|| number.parse().unwrap_or(1));
    }
    let call = token.strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let argument = call.strip_prefix("wildcard").or_else(|| call.strip_prefix("Wildcard"))?;
    let argument = argument.trim_start().strip_prefix('(')?.strip_suffix(')')?;
    let is_one = !argument.is_empty() && !argument.contains(',');
    is_one.then(|| argument.trim().parse().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_filters_with_an_order() {
        for (destination, filter, numbers) in [
            ("bar", "bar", &[][..]),
            ("foo.$2.$1", "foo.*.*", &[2, 1]),
            ("foo.{{wildcard(2)}}.{{ Wildcard (1) }}.>", "foo.*.*.>", &[2, 1]),
            ("$JS.API.{{partition(2,1)}}", "$JS.API.{{partition(2,1)}}", &[]),
            ("a.{{wildcard()}}.$0", "a.{{wildcard()}}.$0", &[]),
        ] {
            assert_eq!(filter_of(destination), (filter.to_owned(), numbers.to_vec()), "{destination}");
        }
        assert_eq!(number_wildcards("a.*.b.*.>"), "a.$1.b.$2.>");
    }

    #[test]
    fn the_way_back_undoes_any_order() {
        assert_eq!(way_back("m.*.*", &[2, 1]), "m.$2.$1");
        assert_eq!(way_back("m.*.x.*.*", &[2, 3, 1]), "m.$3.x.$1.$2");
    }
}
