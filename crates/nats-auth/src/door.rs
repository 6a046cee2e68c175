//! What a listener asks of those who come by it, beside what users and accounts say.

use std::sync::Arc;
use std::time::Duration;

use crate::identity::Identity;

/// What one listener asks for.
#[derive(Debug, Default)]
pub(crate) struct Door {
    /// The one user there is: of a name and password, or a token.
    pub(crate) single: Option<Arc<Identity>>,
    /// The user that clients without credentials are.
    pub(crate) no_auth: Option<Arc<Identity>>,
    /// Clients have to identify themselves.
    pub(crate) is_guarded: bool,
    /// INFO says so.
    pub(crate) announced: bool,
    /// A client is who its certificate says.
    pub(crate) verify_and_map: bool,
    pub(crate) timeout: Duration,
}
