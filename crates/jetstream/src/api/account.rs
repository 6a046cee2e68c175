//! INFO: what the account has and may have.

use js_proto::{AccountInfoAnswer, ApiAnswer, ApiError};

use super::told::{may_ask, told};
use crate::home::Home;
use crate::request::Request;
use crate::step::Step;
use crate::turn::Turn;

pub(super) fn info(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Step {
    told(answer(home, turn, request))
}

fn answer(home: &mut Home, turn: &mut Turn<'_>, request: &Request) -> Result<AccountInfoAnswer, ApiError> {
    may_ask(home, request)?;
    let usage = home.usage(request.account);
    let mut info = home.account(request.account).info(&turn.config.domain);
    (info.tier.memory, info.tier.storage) = (usage.memory, usage.files);
    info.tier.consumers = usage.consumers;
    Ok(AccountInfoAnswer { info: Some(info), ..AccountInfoAnswer::new() })
}
