use super::*;

fn request(reply: &str, threshold: u64) -> Request {
    Request {
        requester: 1,
        reply: reply.as_bytes().into(),
        responder: 2,
        responses: ResponseType::Singleton,
        threshold: Duration::from_nanos(threshold),
        shares: false,
    }
}

fn responses() -> Responses {
    Responses::new(ServerWord::of("NA"), ShardId(3), 7)
}

fn found(responses: &Responses, token: Token) -> Option<String> {
    let request = responses.find(token, 2)?;
    Some(String::from_utf8(request.reply.to_vec()).unwrap())
}

fn open(responses: &mut Responses, now: u64, reply: &str, threshold: u64) -> Token {
    Token::read(&responses.open(Time(now), request(reply, threshold))).unwrap()
}

#[test]
fn a_request_is_found_by_who_was_asked() {
    let mut responses = responses();
    let (a, b) = (open(&mut responses, 0, "a", 5), open(&mut responses, 0, "b", 5));
    assert_eq!(a.shard, ShardId(3));
    assert_eq!((found(&responses, a).as_deref(), found(&responses, b).as_deref()), (Some("a"), Some("b")));
    assert!(responses.find(a, 1).is_none(), "it was not asked");
    assert!(responses.find(Token { number: a.number ^ 1, ..a }, 2).is_none());
    responses.close(a);
    responses.close(a);
    let c = open(&mut responses, 0, "c", 5);
    assert_eq!((c.row, found(&responses, a)), (a.row, None), "another has its row");
    responses.close(a);
    assert_eq!((found(&responses, c).as_deref(), responses.len()), (Some("c"), 2));
}

#[test]
fn requests_lapse_in_their_order() {
    let mut responses = responses();
    assert_eq!(responses.next_deadline(), None);
    let slow = open(&mut responses, 0, "slow", 100);
    let fast = open(&mut responses, 10, "fast", 5);
    let later = open(&mut responses, 20, "later", 100);
    assert_eq!(responses.next_deadline(), Some(Time(15)));
    responses.lapse(Time(14), 9);
    assert!(found(&responses, fast).is_some());
    responses.lapse(Time(15), 9);
    assert!(found(&responses, fast).is_none());
    responses.renew(Time(90), slow);
    assert_eq!(responses.next_deadline(), Some(Time(120)));
    responses.lapse(Time(500), 1);
    assert_eq!((found(&responses, later).is_some(), found(&responses, slow).is_some()), (false, true));
    responses.lapse(Time(500), 1);
    assert_eq!((responses.len(), responses.next_deadline()), (0, None));
}

#[test]
fn one_too_many_makes_the_oldest_forgotten() {
    let mut responses = Responses { reply_bytes_max: 4 * REPLY_BYTES_MIN, ..responses() };
    let first = open(&mut responses, 0, "first", 50);
    let second = open(&mut responses, 1, "second", 5);
    let third = open(&mut responses, 2, "third", 50);
    assert_eq!((found(&responses, first), responses.len()), (None, 2));
    let other = open(&mut responses, 3, "other", 7);
    assert!(found(&responses, second).is_none(), "it is the oldest now");
    assert!(found(&responses, third).is_some() && found(&responses, other).is_some());
}

#[test]
fn long_reply_subjects_make_more_of_them_forgotten() {
    let mut responses = Responses { reply_bytes_max: 6 * REPLY_BYTES_MIN, ..responses() };
    let old = ["a", "b", "c"].map(|reply| open(&mut responses, 0, reply, 50));
    let long = "d".repeat(300);
    let new = open(&mut responses, 1, &long, 50);
    assert_eq!(old.map(|token| found(&responses, token)), [None, None, Some("c".into())]);
    assert_eq!(found(&responses, new).as_deref(), Some(&*long));
    responses.lapse(Time(100), 9);
    assert_eq!((responses.len(), responses.reply_bytes), (0, 0));
}

/// What another account asked was forgotten for it.
#[test]
fn who_asks_too_much_makes_none_of_others_forgotten() {
    let mut responses = Responses { reply_bytes_max: 8 * REPLY_BYTES_MIN, ..responses() };
    let of_other = |requester| Request { requester, ..request("other", 50) };
    let other = Token::read(&responses.open(Time(0), of_other(7))).unwrap();
    let own = [(); 20].map(|()| open(&mut responses, 1, "own", 50));
    assert_eq!(found(&responses, other).as_deref(), Some("other"));
    let left = own.iter().filter(|token| found(&responses, **token).is_some()).count();
    assert_eq!(left, 4, "of eight");
    assert!(found(&responses, own[19]).is_some(), "it is the latest");
    // Where all is taken the one goes that lapses first.
    for requester in 20..40 {
        responses.open(Time(2), of_other(requester));
    }
    assert_eq!(responses.len(), 8);
}

/// Against a list that is searched.
#[test]
fn lines_stay_whole_whatever_comes_and_goes() {
    let (mut responses, mut random) = (responses(), Random::new(1));
    let mut model: Vec<(Token, u64)> = Vec::new();
    for now in 0..3000 {
        match random.below(4) {
            0 | 1 => {
                let threshold = 1 + random.below(3) * 40;
                let token = open(&mut responses, now, "r", threshold);
                model.push((token, now + threshold));
            }
            2 if !model.is_empty() => {
                let (token, _) = model.swap_remove(random.below(model.len() as u64) as usize);
                responses.close(token);
            }
            _ => {
                responses.lapse(Time(now), usize::MAX);
                model.retain(|(_, due)| *due > now);
            }
        }
        assert_eq!(responses.len(), model.len());
        assert_eq!(responses.next_deadline(), model.iter().map(|(_, due)| Time(*due)).min());
        assert!(model.iter().all(|(token, _)| found(&responses, *token).is_some()));
    }
}
