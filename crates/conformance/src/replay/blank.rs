//! What differs from server to server, and from run to run, in the recording's form.

/// A generated reply subject in the recording: `<reply 0>`, and so on in the order they came.
const REPLY: &str = "<reply ";

/// Letters of each word of one, at least.
const WORD_MIN: usize = 6;

/// Before the JSON that tells a service who asks.
const INFO_HEADER: &str = "Nats-Request-Info: ";

/// The reply subjects that a server generated so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Replies(Vec<String>);

impl Replies {
    /// What the recording sends, with the subjects of this server.
    pub(super) fn fill_in(&self, text: &str) -> String {
        let all = self.0.iter().enumerate();
        all.fold(text.to_owned(), |text, (at, reply)| text.replace(&format!("{REPLY}{at}>"), reply))
    }

    /// What came, with names for the subjects of this server.
    fn name(&mut self, text: &str) -> String {
        let mut named = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("_R_.") {
            named.push_str(&rest[..at]);
            let len = reply_len(&rest[at..]);
            let (reply, behind) = rest[at..].split_at(len.unwrap_or(1));
            match len {
                Some(_) => named.push_str(&format!("{REPLY}{}>", self.number(reply))),
                None => named.push_str(reply),
            }
            rest = behind;
        }
        named + rest
    }

    fn number(&mut self, reply: &str) -> usize {
        self.0.iter().position(|known| known == reply).unwrap_or_else(|| {
            self.0.push(reply.to_owned());
            self.0.len() - 1
        })
    }
}

/// The length of the generated subject that the text begins with.
fn reply_len(text: &str) -> Option<usize> {
    let word = |text: &str| {
        let len = text.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(text.len());
        (len >= WORD_MIN).then_some(len)
    };
    let first = "_R_.".len();
    let dot = first + word(&text[first..])?;
    let second = dot + 1;
    text[dot..].starts_with('.').then(|| Some(second + word(&text[second..])?)).flatten()
}

/// What was received in the recording's form.
pub(super) fn blank(received: &[u8], replies: &mut Replies) -> String {
    let text = String::from_utf8_lossy(received);
    let mut lines: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("INFO ") {
            Some(body) if body.ends_with("\r\n") => lines.push("INFO \r\n".to_owned()),
            _ if line.starts_with(INFO_HEADER) => {
                if let Some(head) = lines.iter_mut().rfind(|line| line.starts_with("HMSG ")) {
                    without_sizes(head);
                }
                lines.push(without_rtt(line));
            }
            _ => lines.push(line.to_owned()),
        }
    }
    replies.name(&lines.concat())
}

/// How long the header is depends on how long the client's answers take.
fn without_sizes(head: &mut String) {
    if let Some(line) = head.rsplitn(3, ' ').nth(2) {
        *head = format!("{line} <sizes>\r\n");
    }
}

fn without_rtt(line: &str) -> String {
    let Some((before, behind)) = line.split_once(",\"rtt\":") else { return line.to_owned() };
    format!("{before}{}", behind.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_info_lines_are_blanked() {
        let blank = |received: &[u8]| blank(received, &mut Replies::default());
        assert_eq!(blank(b"INFO {\"a\":1} \r\nMSG INFO 1 2\r\nhi\r\n"), "INFO \r\nMSG INFO 1 2\r\nhi\r\n");
        assert_eq!(blank(b"INFO {\"a\""), "INFO {\"a\"");
    }

    #[test]
    fn generated_subjects_have_names_in_their_order() {
        let mut replies = Replies::default();
        let text = b"MSG q 1 _R_.abcdef.012345 0\r\n\r\nMSG q 1 _R_.abcdef.XYZXYZ 0\r\n\r\nMSG q 1 _R_.x.y 0\r\n\r\n";
        let named = "MSG q 1 <reply 0> 0\r\n\r\nMSG q 1 <reply 1> 0\r\n\r\nMSG q 1 _R_.x.y 0\r\n\r\n";
        assert_eq!(blank(text, &mut replies), named);
        assert_eq!(replies.fill_in("PUB <reply 1> 0\r\n"), "PUB _R_.abcdef.XYZXYZ 0\r\n");
    }

    #[test]
    fn who_asks_is_shown_without_the_time_of_its_answers() {
        let text =
            b"HMSG q 1 9 11\r\nNATS/1.0\r\nNats-Request-Info: {\"acc\":\"B\",\"rtt\":12}\r\n\r\nhi\r\n";
        let shown = "HMSG q 1 <sizes>\r\nNATS/1.0\r\nNats-Request-Info: {\"acc\":\"B\"}\r\n\r\nhi\r\n";
        assert_eq!(blank(text, &mut Replies::default()), shown);
    }
}
