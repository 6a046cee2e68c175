//! What differs from server to server in messages that crossed the border of an account.

/// The header that tells a service who asks, as it is shown.
const INFO: &str = "Nats-Request-Info: ";

/// A message, as it is shown, without its generated reply subject, and without the time that who asks takes to answer
/// a PING, on which the sizes of its headers depend.
pub(crate) fn blanked(line: &str, body: &str) -> String {
    let line = without_reply(line);
    let Some((headers, behind)) = body.split_once(INFO) else { return format!("{line}\\r\\n{body}") };
    let (before, rtt) = behind.split_once(",\"rtt\":").unwrap_or((behind, ""));
    let behind = rtt.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let sizeless = line.rsplitn(3, ' ').last().unwrap_or_default();
    format!("{sizeless} <sizes>\\r\\n{headers}{INFO}{before}{behind}")
}

fn without_reply(line: &str) -> String {
    let is_generated = |word: &str| {
        let words = word.strip_prefix("_R_.").and_then(|words| words.split_once('.'));
        words.is_some_and(|(first, second)| first.len() >= 6 && second.len() >= 6)
    };
    let words: Vec<&str> =
        line.split(' ').map(|word| if is_generated(word) { "<reply>" } else { word }).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_generated_is_blanked() {
        let body = "NATS/1.0\\r\\nNats-Request-Info: {\"acc\":\"B\",\"rtt\":1234}\\r\\n\\r\\nhi";
        let shown =
            "HMSG q 1 <reply> <sizes>\\r\\nNATS/1.0\\r\\nNats-Request-Info: {\"acc\":\"B\"}\\r\\n\\r\\nhi";
        assert_eq!(blanked("HMSG q 1 _R_.abcdef.ghijkl 40 42", body), shown);
        assert_eq!(blanked("MSG q 1 _R_.x.y 2", "hi"), "MSG q 1 _R_.x.y 2\\r\\nhi");
    }
}
