//! What shows a hub who this server is.

use data_encoding::BASE64URL_NOPAD;
use nkeys::KeyPair;

/// A key of a user, and perhaps the JWT that goes with it.
pub struct LeafKey {
    pair: KeyPair,
    jwt: Option<Box<str>>,
}

/// What a hub is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The public key, unless a JWT says it.
    pub nkey: Option<String>,
    /// The JWT, if there is one.
    pub jwt: Option<String>,
    /// The hub's nonce, signed.
    pub signature: String,
}

impl LeafKey {
    /// A seed; `None` if it is none.
    pub fn of_seed(seed: &str) -> Option<Self> {
        Some(Self { pair: KeyPair::from_seed(seed).ok()?, jwt: None })
    }

    /// The text of a credentials file: a JWT and a seed, each between lines of dashes; `None` if it is none.
    pub fn of_credentials(text: &str) -> Option<Self> {
        let mut parts = text.split("-----BEGIN ").skip(1).filter_map(|part| {
            let (_, body) = part.split_once("-----\n").or_else(|| part.split_once("-----\r\n"))?;
            body.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('-'))
        });
        let (jwt, seed) = (parts.next()?, parts.next()?);
        Some(Self { jwt: Some(jwt.into()), ..Self::of_seed(seed)? })
    }

    /// What a hub with this nonce is shown.
    pub fn show(&self, nonce: &str) -> Shown {
        let signed = self.pair.sign(nonce.as_bytes()).expect("a seed signs");
        Shown {
            nkey: self.jwt.is_none().then(|| self.pair.public_key()),
            jwt: self.jwt.as_deref().map(str::to_owned),
            signature: BASE64URL_NOPAD.encode(&signed),
        }
    }
}

impl std::fmt::Debug for LeafKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeafKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeds of users that nobody has.
    const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

    #[test]
    fn what_is_shown_is_a_signature_that_holds() {
        let key = LeafKey::of_seed(SEED).unwrap();
        let shown = key.show("NONCE");
        let signed = BASE64URL_NOPAD.decode(shown.signature.as_bytes()).unwrap();
        let public = KeyPair::from_public_key(&shown.nkey.unwrap()).unwrap();
        assert!(public.verify(b"NONCE", &signed).is_ok());
        assert!(LeafKey::of_seed("x").is_none() && !format!("{key:?}").contains(SEED));
    }

    #[test]
    fn credentials_are_a_jwt_and_a_seed() {
        let text = format!(
            "-----BEGIN NATS USER JWT-----\neyJ.x.y\n------END NATS USER JWT------\n\n*** keep it ***\n\n\
             -----BEGIN USER NKEY SEED-----\n{SEED}\n------END USER NKEY SEED------\n"
        );
        let shown = LeafKey::of_credentials(&text).unwrap().show("N");
        assert_eq!((shown.jwt.as_deref(), shown.nkey), (Some("eyJ.x.y"), None));
        assert!(LeafKey::of_credentials("-----BEGIN X-----\na\n").is_none());
    }
}
