//! Ids of events: twenty-two letters and digits that no other event has.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LEN: usize = 22;
/// Of them, those that tell the events of a server apart.
const COUNTED: usize = 10;

/// The id of the event of that number, of the server of that id: the first letters are the server's.
pub(crate) fn event_id(server_id: &str, mut number: u64) -> String {
    let mut id = [DIGITS[0]; LEN];
    // The first letter says that it is a server.
    let own = server_id.bytes().skip(1).filter(u8::is_ascii_alphanumeric);
    id[..LEN - COUNTED].iter_mut().zip(own).for_each(|(to, from)| *to = from);
    for place in id[LEN - COUNTED..].iter_mut().rev() {
        *place = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    id.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_by_server_and_number() {
        let server = "NCXBAEHR35P6JAFUKDYXOOPIL2EFUN45JYWGCYOYIG52BZJLYDPML6HE";
        assert_eq!(event_id(server, 1), "CXBAEHR35P6J0000000001");
        assert_eq!(event_id(server, 62), "CXBAEHR35P6J0000000010");
        assert_eq!(event_id("NID", 61), "ID0000000000000000000z");
    }
}
