//! What nats-server 2.14.5 made of these bytes on the wire, and what the decoders make of them.
//!
//! Each case is what one client sent and what it got back, `<closed>` where the server hung up. The
//! bodies of INFO were taken out. `(sorted)` stands where the order of the answer was not recorded.

use nats_proto::{
    ClientDecoder, ClientOp, ConnectOptions, HeaderView, Limits, Message, ProtoError, Publish, ServerDecoder,
    ServerOp, Step,
};

const HELLO: &str =
    r#"CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1}"#;
const PEDANTIC: &str =
    r#"CONNECT {"verbose":false,"pedantic":true,"headers":true,"no_responders":true,"protocol":1}"#;

#[test]
fn every_recorded_exchange_reads_the_same() {
    for (name, sent, received) in CASES {
        check(name, &expand(sent), &expand(received));
    }
}

#[test]
fn five_hundred_pipelined_pubs() {
    let (mut sent, mut received) = (format!("{HELLO}\r\nSUB a 1\r\n"), String::from("INFO \r\n"));
    for n in 0..500 {
        sent += &format!("PUB a 4\r\n{n:04}\r\n");
        received += &format!("MSG a 1 4\r\n{n:04}\r\n");
    }
    check("many-pubs", &format!("{sent}PING\r\n"), &format!("{received}PONG\r\nINFO \r\n"));
}

/// How the server took the bytes of a connection.
#[derive(Debug, PartialEq)]
enum Verdict {
    Understood,
    /// Closed, with the text of the `-ERR` if there was one.
    Refused(Option<&'static str>),
}

fn check(name: &str, sent: &str, received: &str) {
    let (ops, verdict) = read_client(sent.as_bytes());
    if received == "(sorted)" {
        assert_eq!(verdict, Verdict::Understood, "{name}");
        return;
    }
    let answers = read_server(name, received);
    let closed = received.ends_with("<closed>");
    let last_error = answers.iter().rev().find_map(|op| match op {
        ServerOp::Err(text) => Some(str::from_utf8(text).unwrap()),
        _ => None,
    });
    match verdict {
        Verdict::Refused(text) => {
            assert!(closed, "{name}: refused, but the server went on");
            assert_eq!(text, last_error, "{name}");
        }
        // The server may still close for what an op means; that is not for a decoder to know.
        Verdict::Understood if closed => {
            let by_meaning = ["no responders requires headers support", "Authorization Violation"];
            assert!(last_error.is_some_and(|text| by_meaning.contains(&text)), "{name}: {last_error:?}");
        }
        Verdict::Understood => {
            let pings = ops.iter().filter(|op| **op == ClientOp::Ping).count();
            let pongs = answers.iter().filter(|op| **op == ServerOp::Pong).count();
            assert_eq!(pings, pongs, "{name}");
        }
    }
    for answer in answers {
        if let ServerOp::Message(message) = answer {
            assert_known(name, &ops, &message);
        }
    }
}

/// A message the client got is one it published itself, or the server's own word. Where the case has
/// several clients (`name/1`), the publisher may be another one.
fn assert_known(name: &str, ops: &[ClientOp<'_>], message: &Message<'_>) {
    if message.header.is_some() && HeaderView::parse(message.headers()).unwrap().status() == Some(503) {
        return;
    }
    if name.contains('/') {
        return;
    }
    let same = |publish: &Publish<'_>| {
        publish.subject == message.subject
            && publish.reply == message.reply
            && publish.headers() == message.headers()
            && publish.payload() == message.payload()
    };
    let published = ops.iter().any(|op| matches!(op, ClientOp::Publish(publish) if same(publish)));
    assert!(published, "{name}: nobody published {message:?}");
}

/// Reads what a client sent up to where the server would stop reading.
fn read_client(sent: &[u8]) -> (Vec<ClientOp<'_>>, Verdict) {
    let (mut decoder, mut ops, mut rest) = (ClientDecoder::default(), Vec::new(), sent);
    loop {
        match decoder.step(rest, &Limits::default()) {
            Ok(Step::Op { op: ClientOp::Connect(text), .. }) if ConnectOptions::parse(text).is_err() => {
                return (ops, Verdict::Refused(None));
            }
            Ok(Step::Op { used, op }) => {
                ops.push(op);
                rest = &rest[used..];
            }
            Ok(Step::NeedMore { .. }) => {
                assert!(rest.is_empty(), "cases end with a whole op");
                return (ops, Verdict::Understood);
            }
            Err(error) => return (ops, Verdict::Refused(error.wire_text())),
        }
    }
}

/// Reads what the server sent; all of it must make sense.
fn read_server<'a>(name: &str, received: &'a str) -> Vec<ServerOp<'a>> {
    let (mut decoder, mut ops) = (ServerDecoder::default(), Vec::new());
    let mut rest = received.strip_suffix("<closed>").unwrap_or(received).as_bytes();
    while !rest.is_empty() {
        let step = decoder.step(rest, &Limits::default());
        let Ok(Step::Op { used, op }) = step else { panic!("{name}: {step:?}") };
        ops.push(op);
        rest = &rest[used..];
    }
    ops
}

/// `<hello>` and `<pedantic>` for the usual CONNECT lines, `{a*300}` for 300 times `a`.
fn expand(text: &str) -> String {
    let text = text.replace("<hello>", &format!("{HELLO}\r\n"));
    let text = text.replace("<pedantic>", &format!("{PEDANTIC}\r\n"));
    let Some((before, run)) = ["{a*", "{n*"].into_iter().find_map(|mark| {
        let at = text.find(mark)?;
        Some((at, &text[at..at + text[at..].find('}')? + 1]))
    }) else {
        return text;
    };
    let count = run[3..run.len() - 1].parse().unwrap();
    format!("{}{}{}", &text[..before], run[1..2].repeat(count), expand(&text[before + run.len()..]))
}

#[test]
fn a_long_line_is_refused_before_its_end_arrives() {
    let line = expand("SUB {a*5000}");
    let error = ClientDecoder::default().step(line.as_bytes(), &Limits::default());
    assert_eq!(error, Err(ProtoError::ControlLineTooLong { max: 4096 }));
}

#[rustfmt::skip]
const CASES: &[(&str, &str, &str)] = &[
    ("verbose", "CONNECT {\"verbose\":true,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\nPING\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nUNSUB 1\r\nPONG\r\nUNSUB 99\r\n", "INFO \r\n+OK\r\nPONG\r\nINFO \r\n+OK\r\n+OK\r\nMSG a 1 2\r\nhi\r\n+OK\r\n+OK\r\n"),
    ("default-verbose", "CONNECT {}\r\nPING\r\nSUB x 1\r\nPUB x 1\r\nz\r\n", "INFO \r\n+OK\r\nPONG\r\n+OK\r\n+OK\r\nMSG x 1 1\r\nz\r\n"),
    ("no-responders", "<hello>SUB inbox.1 9\r\nPING\r\nPUB nobody inbox.1 2\r\nhi\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\nHMSG inbox.1 9 38 38\r\nNATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n\r\nPONG\r\n"),
    ("no-responders-other/0", "<hello>SUB inbox.2 9\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("no-responders-other/1", "<hello>PUB nobody inbox.2 2\r\nhi\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("no-responders-self-only", "<hello>PUB nobody inbox.none 2\r\nhi\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("no-responders-nohdr", "CONNECT {\"verbose\":false,\"headers\":false,\"no_responders\":true}\r\nPING\r\n", "INFO \r\n-ERR 'no responders requires headers support'\r\n<closed>"),
    ("no-responders-off", "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":false,\"protocol\":1}\r\nSUB i 1\r\nPUB nobody i 0\r\n\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("case-'ping'", "<hello>ping\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("case-'PiNg'", "<hello>PiNg\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("case-'PING '", "<hello>PING \r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("case-' PING'", "<hello> PING\r\n", "INFO \r\n-ERR 'Unknown Protocol Operation'\r\n<closed>"),
    ("lower", "connect {}\r\nsub a 1\r\npub a 1\r\nx\r\nunsub 1\r\nping\r\n", "INFO \r\n+OK\r\n+OK\r\n+OK\r\nMSG a 1 1\r\nx\r\n+OK\r\nPONG\r\n"),
    ("tabs", "<hello>SUB\ta\t1\r\nPUB\ta\t1\r\nx\r\nPING\r\n", "INFO \r\nMSG a 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("multi-space", "<hello>SUB   a    1\r\nPUB   a     1\r\nx\r\nPING\r\n", "INFO \r\nMSG a 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("trailing-space", "<hello>SUB a 1 \r\nPUB a 1 \r\nx\r\nPING\r\n", "INFO \r\nMSG a 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("empty-line", "<hello>\r\nPING\r\n", "INFO \r\n-ERR 'Unknown Protocol Operation'\r\n<closed>"),
    ("unknown-op-noconnect", "FOO bar\r\n", "INFO \r\n-ERR 'Unknown Protocol Operation'\r\n<closed>"),
    ("http", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "INFO \r\n-ERR 'Unknown Protocol Operation'\r\n<closed>"),
    ("partial-verb", "<hello>PING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("bytewise", "<hello>PING\r\nSUB z 1\r\nPUB z 2\r\nok\r\n", "INFO \r\nPONG\r\nINFO \r\nMSG z 1 2\r\nok\r\n"),
    ("pub-noargs", "<hello>PUB\r\nPING\r\n", "INFO \r\n-ERR 'Unknown Protocol Operation'\r\n<closed>"),
    ("pub-four", "<hello>PUB a b c 1\r\nx\r\nPING\r\n", "INFO \r\n<closed>"),
    ("pub-negsize", "<hello>PUB foo -1\r\nPING\r\n", "INFO \r\n<closed>"),
    ("pub-hugesize", "<hello>PUB foo 99999999999999999999\r\nPING\r\n", "INFO \r\n<closed>"),
    ("pub-zero", "<hello>SUB a 1\r\nPUB a 0\r\n\r\nPING\r\n", "INFO \r\nMSG a 1 0\r\n\r\nPONG\r\nINFO \r\n"),
    ("pub-leadzero", "<hello>SUB a 1\r\nPUB a 0002\r\nhi\r\nPING\r\n", "INFO \r\nMSG a 1 0002\r\nhi\r\nPONG\r\nINFO \r\n"),
    ("pub-crlf-payload", "<hello>SUB a 1\r\nPUB a 6\r\n\r\n\r\n\r\n\r\nPING\r\n", "INFO \r\nMSG a 1 6\r\n\r\n\r\n\r\n\r\nPONG\r\nINFO \r\n"),
    ("control-line", "<hello>SUB {a*5000} 1\r\nPING\r\n", "INFO \r\n-ERR 'maximum control line exceeded'\r\n<closed>"),
    ("control-line-split", "<hello>PUB {a*10000}", "INFO \r\n-ERR 'maximum control line exceeded'\r\n<closed>"),
    ("connect-long", "CONNECT {\"verbose\":false,\"name\":\"{n*5000}\"}\r\nPING\r\n", "INFO \r\n-ERR 'maximum control line exceeded'\r\n<closed>"),
    ("sub-subj-0", "<hello>SUB foo..bar 1\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Subject'\r\nPONG\r\nINFO \r\n"),
    ("pub-subj-0", "<hello>SUB > 1\r\nPUB foo..bar 1\r\nx\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("sub-subj-1", "<hello>SUB .foo 1\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Subject'\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-pedantic-1", "<pedantic>SUB .foo 1\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Subject'\r\nPONG\r\nINFO \r\n"),
    ("pub-subj-pedantic-1", "<pedantic>SUB > 1\r\nPUB .foo 1\r\nx\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Publish Subject'\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-2", "<hello>SUB foo. 1\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Subject'\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-pedantic-2", "<pedantic>SUB foo. 1\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Subject'\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-pedantic-3", "<pedantic>SUB . 1\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Subject'\r\nPONG\r\nINFO \r\n"),
    ("pub-subj-3", "<hello>SUB > 1\r\nPUB . 1\r\nx\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("pub-subj-pedantic-3", "<pedantic>SUB > 1\r\nPUB . 1\r\nx\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Publish Subject'\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-pedantic-4", "<pedantic>SUB .. 1\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Subject'\r\nPONG\r\nINFO \r\n"),
    ("pub-subj-4", "<hello>SUB > 1\r\nPUB .. 1\r\nx\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("pub-subj-pedantic-4", "<pedantic>SUB > 1\r\nPUB .. 1\r\nx\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Publish Subject'\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-5", "<hello>SUB foo.>.bar 1\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Subject'\r\nPONG\r\nINFO \r\n"),
    ("pub-subj-5", "<hello>SUB > 1\r\nPUB foo.>.bar 1\r\nx\r\nPING\r\n", "INFO \r\nMSG foo.>.bar 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("pub-subj-pedantic-5", "<pedantic>SUB > 1\r\nPUB foo.>.bar 1\r\nx\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Publish Subject'\r\nMSG foo.>.bar 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-pedantic-6", "<pedantic>SUB > 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("pub-subj-6", "<hello>SUB > 1\r\nPUB > 1\r\nx\r\nPING\r\n", "INFO \r\nMSG > 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-7", "<hello>SUB * 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("pub-subj-7", "<hello>SUB > 1\r\nPUB * 1\r\nx\r\nPING\r\n", "INFO \r\nMSG * 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("pub-subj-pedantic-7", "<pedantic>SUB > 1\r\nPUB * 1\r\nx\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Publish Subject'\r\nMSG * 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-pedantic-8", "<pedantic>SUB foo* 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("sub-subj-9", "<hello>SUB f*o 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("pub-subj-pedantic-9", "<pedantic>SUB > 1\r\nPUB f*o 1\r\nx\r\nPING\r\n", "INFO \r\nMSG f*o 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-10", "<hello>SUB foo.*.> 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("pub-subj-10", "<hello>SUB > 1\r\nPUB foo.*.> 1\r\nx\r\nPING\r\n", "INFO \r\nMSG foo.*.> 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("pub-subj-pedantic-10", "<pedantic>SUB > 1\r\nPUB foo.*.> 1\r\nx\r\nPING\r\n", "INFO \r\n-ERR 'Invalid Publish Subject'\r\nMSG foo.*.> 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-11", "<hello>SUB foo> 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("sub-subj-pedantic-11", "<pedantic>SUB foo> 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("pub-subj-11", "<hello>SUB > 1\r\nPUB foo> 1\r\nx\r\nPING\r\n", "INFO \r\nMSG foo> 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-12", "<hello>SUB foo.>x 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("sub-subj-pedantic-12", "<pedantic>SUB foo.>x 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("pub-subj-12", "<hello>SUB > 1\r\nPUB foo.>x 1\r\nx\r\nPING\r\n", "INFO \r\nMSG foo.>x 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("pub-subj-pedantic-12", "<pedantic>SUB > 1\r\nPUB foo.>x 1\r\nx\r\nPING\r\n", "INFO \r\nMSG foo.>x 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-pedantic-13", "<pedantic>SUB a b 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("pub-subj-pedantic-13", "<pedantic>SUB > 1\r\nPUB a b 1\r\nx\r\nPING\r\n", "INFO \r\nMSG a 1 b 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-14", "<hello>SUB foö.bär 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("sub-subj-pedantic-14", "<pedantic>SUB foö.bär 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("sub-subj-15", "<hello>SUB $SYS.x 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("sub-subj-pedantic-15", "<pedantic>SUB $SYS.x 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("pub-subj-15", "<hello>SUB > 1\r\nPUB $SYS.x 1\r\nx\r\nPING\r\n", "INFO \r\nMSG $SYS.x 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-pedantic-16", "<pedantic>SUB _INBOX.* 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("pub-subj-16", "<hello>SUB > 1\r\nPUB _INBOX.* 1\r\nx\r\nPING\r\n", "INFO \r\nMSG _INBOX.* 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("sub-subj-17", "<hello>SUB {a*300} 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("sub-subj-pedantic-17", "<pedantic>SUB {a*300} 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("pub-subj-17", "<hello>SUB > 1\r\nPUB {a*300} 1\r\nx\r\nPING\r\n", "INFO \r\nMSG {a*300} 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("pub-subj-pedantic-17", "<pedantic>SUB > 1\r\nPUB {a*300} 1\r\nx\r\nPING\r\n", "INFO \r\nMSG {a*300} 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("sub-dupsid", "<hello>SUB a 1\r\nSUB b 1\r\nPUB a 1\r\nA\r\nPUB b 1\r\nB\r\nPING\r\n", "(sorted)"),
    ("sub-sid-text", "<hello>SUB a sid-x.y\r\nPUB a 1\r\nA\r\nPING\r\n", "INFO \r\nMSG a sid-x.y 1\r\nA\r\nPONG\r\nINFO \r\n"),
    ("sub-same-subject-two-sids", "<hello>SUB a 1\r\nSUB a 2\r\nPUB a 1\r\nA\r\nPING\r\n", "(sorted)"),
    ("unsub-max-after", "<hello>SUB a 1\r\nPUB a 1\r\nA\r\nPUB a 1\r\nB\r\nUNSUB 1 1\r\nPUB a 1\r\nC\r\nPING\r\n", "INFO \r\nMSG a 1 1\r\nA\r\nMSG a 1 1\r\nB\r\nPONG\r\nINFO \r\n"),
    ("unsub-max-raise", "<hello>SUB a 1\r\nPUB a 1\r\nA\r\nUNSUB 1 3\r\nPUB a 1\r\nB\r\nPUB a 1\r\nC\r\nPUB a 1\r\nD\r\nPING\r\n", "INFO \r\nMSG a 1 1\r\nA\r\nMSG a 1 1\r\nB\r\nMSG a 1 1\r\nC\r\nPONG\r\nINFO \r\n"),
    ("unsub-max-noresp/0", "<hello>SUB svc 1\r\nUNSUB 1 1\r\nSUB in 2\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\nMSG svc 1 in 1\r\nA\r\n"),
    ("unsub-max-noresp/1", "<hello>PUB svc in 1\r\nA\r\nPING\r\nPUB svc in 1\r\nB\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\nPONG\r\n"),
    ("unsub-noargs", "<hello>UNSUB\r\nPING\r\n", "INFO \r\n-ERR 'Unknown Protocol Operation'\r\n<closed>"),
    ("unsub-bad", "<hello>UNSUB 1 x\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("unsub-unknown", "<hello>UNSUB 42\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("unsub-resub", "<hello>SUB a 1\r\nUNSUB 1\r\nSUB a 1\r\nPUB a 1\r\nA\r\nPING\r\n", "INFO \r\nMSG a 1 1\r\nA\r\nPONG\r\nINFO \r\n"),
    ("echo-off/0", "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\nSUB a 1\r\nPUB a 1\r\nA\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\nMSG a 1 1\r\nB\r\n"),
    ("echo-off/1", "<hello>PUB a 1\r\nB\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("echo-off-noresp", "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\nSUB svc 1\r\nSUB in 2\r\nPUB svc in 1\r\nA\r\nPING\r\n", "INFO \r\nHMSG in 2 35 35\r\nNATS/1.0 503\r\nNats-Subject: svc\r\n\r\n\r\nPONG\r\nINFO \r\n"),
    ("queue-one", "<hello>SUB a q 1\r\nPUB a 1\r\nA\r\nPUB a 1\r\nB\r\nPING\r\n", "INFO \r\nMSG a 1 1\r\nA\r\nMSG a 1 1\r\nB\r\nPONG\r\nINFO \r\n"),
    ("queue-plus-plain", "<hello>SUB a q 1\r\nSUB a 2\r\nPUB a 1\r\nA\r\nPING\r\n", "(sorted)"),
    ("queue-echo-off", "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\nSUB a q 1\r\nPUB a 1\r\nA\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("queue-failover/0", "<hello>SUB a q 1\r\nUNSUB 1 1\r\nSUB a q 2\r\nPING\r\n", "(sorted)"),
    ("queue-failover/1", "<hello>PUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPUB a 1\r\nA\r\nPING\r\n", "(sorted)"),
    ("queue-name-space", "<hello>SUB a q.x.* 1\r\nPUB a 1\r\nA\r\nPING\r\n", "INFO \r\nMSG a 1 1\r\nA\r\nPONG\r\nINFO \r\n"),
    ("hpub", "<hello>SUB a 1\r\nHPUB a 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\nPING\r\n", "INFO \r\nHMSG a 1 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\nPONG\r\nINFO \r\n"),
    ("hpub-reply", "<hello>SUB a 1\r\nHPUB a r 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\nPING\r\n", "INFO \r\nHMSG a 1 r 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\nPONG\r\nINFO \r\n"),
    ("hpub-to-nohdr/0", "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":false,\"protocol\":1}\r\nSUB a 1\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\nMSG a 1 2\r\nhi\r\n"),
    ("hpub-to-nohdr/1", "<hello>HPUB a 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("hpub-noargs", "<hello>HPUB\r\nPING\r\n", "INFO \r\n-ERR 'Unknown Protocol Operation'\r\n<closed>"),
    ("hpub-zero-hdr", "<hello>SUB a 1\r\nHPUB a 0 2\r\nhi\r\nPING\r\n", "INFO \r\nMSG a 1 2\r\nhi\r\nPONG\r\nINFO \r\n"),
    ("connect-badjson", "CONNECT {bad\r\nPING\r\n", "INFO \r\n<closed>"),
    ("connect-empty", "CONNECT\r\nPING\r\n", "INFO \r\n<closed>"),
    ("connect-array", "CONNECT []\r\nPING\r\n", "INFO \r\n<closed>"),
    ("connect-types", "CONNECT {\"verbose\":\"yes\"}\r\nPING\r\n", "INFO \r\n<closed>"),
    ("connect-noresp-default", "CONNECT {\"verbose\":false}\r\nSUB in 1\r\nPUB x in 0\r\n\r\nPING\r\n", "INFO \r\nPONG\r\n"),
    ("connect-account", "CONNECT {\"verbose\":false,\"account\":\"X\",\"new_account\":true}\r\nPING\r\n", "INFO \r\n-ERR 'Authorization Violation'\r\n<closed>"),
    ("client-sends-msg", "<hello>MSG a 1 1\r\nx\r\nPING\r\n", "INFO \r\n-ERR 'Unknown Protocol Operation'\r\n<closed>"),
    ("client-sends-ok", "<hello>+OK\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("client-sends-rmsg", "<hello>RMSG $G a 1\r\nx\r\nPING\r\n", "INFO \r\n-ERR 'Unknown Protocol Operation'\r\n<closed>"),
    ("pong-flood", "<hello>PONG\r\nPONG\r\nPING\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("ping-args", "<hello>PING hello\r\n", "INFO \r\nPONG\r\nINFO \r\n"),
    ("sys-publish", "<hello>SUB $SYS.> 1\r\nPUB $SYS.foo 1\r\nx\r\nPING\r\n", "INFO \r\nMSG $SYS.foo 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
    ("pub-space-subject", "<hello>SUB > 1\r\nPUB  1\r\nx\r\nPING\r\n", "INFO \r\n<closed>"),
    ("pipelined-connect-last", "SUB a 1\r\n<hello>PUB a 1\r\nx\r\nPING\r\n", "INFO \r\n+OK\r\nMSG a 1 1\r\nx\r\nPONG\r\nINFO \r\n"),
];
