//! Credentials in cookies: a page cannot set other headers of the connection it opens.

/// Which cookies hold what. `None` where nothing is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CookieNames {
    /// A user's JWT.
    pub jwt: Option<String>,
    /// A user's name.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<String>,
    /// A token.
    pub token: Option<String>,
}

/// What was in them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cookies {
    /// A user's JWT.
    pub jwt: Option<String>,
    /// A user's name.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<String>,
    /// A token.
    pub token: Option<String>,
}

/// Secrets are not shown.
impl std::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cookies").finish_non_exhaustive()
    }
}

impl Cookies {
    /// Takes what is looked for from one line of cookies. Of two with the same name the later one counts, and one
    /// that Go does not take for a cookie is passed over.
    pub(crate) fn read(&mut self, line: &[u8], names: &CookieNames) {
        for cookie in line.split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
            let at = cookie.iter().position(|byte| *byte == b'=').unwrap_or(cookie.len());
            let (name, value) = (&cookie[..at], cookie.get(at + 1..).unwrap_or_default());
            let Some(value) = value_of(value) else { continue };
            let is = |wanted: &Option<String>| {
                wanted.as_ref().is_some_and(|wanted| wanted.as_bytes() == name.trim_ascii())
            };
            let slot = if is(&names.jwt) {
                &mut self.jwt
            } else if is(&names.user) {
                &mut self.user
            } else if is(&names.password) {
                &mut self.password
            } else if is(&names.token) {
                &mut self.token
            } else {
                continue;
            };
            *slot = Some(value);
        }
    }
}

/// A cookie's value, without quotes around it.
fn value_of(value: &[u8]) -> Option<String> {
    let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    let is_of_value = |byte: &u8| matches!(byte, b' '..=b'~') && !b"\"\\;".contains(byte);
    if !value.iter().all(is_of_value) {
        return None;
    }
    Some(value.iter().map(|byte| char::from(*byte)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> (Option<String>, Option<String>) {
        let names =
            CookieNames { user: Some("u".into()), password: Some("p".into()), ..CookieNames::default() };
        let mut cookies = Cookies::default();
        for line in lines {
            cookies.read(line.as_bytes(), &names);
        }
        (cookies.user, cookies.password)
    }

    #[test]
    fn cookies_are_found_by_name() {
        let both = |user: &str, password: &str| (Some(user.to_owned()), Some(password.to_owned()));
        assert_eq!(read(&["a=b; u=me;p=\"my pass\"; c"]), both("me", "my pass"));
        assert_eq!(read(&["u=me", "p=x=y; u=you"]), both("you", "x=y"));
        assert_eq!(read(&["u=; p"]), both("", ""));
        assert_eq!(read(&["U=me; p=\u{e9}"]), (None, None), "names have a case, and values no such letter");
        assert_eq!(read(&[r#"u=a"b; p=a\b"#]), (None, None));
    }

    #[test]
    fn secrets_are_not_shown() {
        let cookies = Cookies { password: Some("secret".into()), ..Cookies::default() };
        assert!(!format!("{cookies:?}").contains("secret"));
    }
}
