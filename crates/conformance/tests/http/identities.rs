use serde_json::json;
use test_kit::Setup;

use crate::client::{Tail, ask};
use crate::start;

const USERS: &str = r#"
http_api { listen: "127.0.0.1:-1", max_streams_per_user: 2 }
accounts {
  A { users: [
    { user: all, password: pw }
    { user: some, password: pw, permissions: { publish: ["ok.>", "$SYS.REQ.USER.INFO"], subscribe: ["ok.>", "_INBOX.>"] } }
  ] }
  B { users: [ { user: other, password: pw } ] }
}
"#;

const ALL: (&str, &str) = ("Authorization", "Basic YWxsOnB3");
const SOME: (&str, &str) = ("Authorization", "Basic c29tZTpwdw==");
const OTHER: (&str, &str) = ("Authorization", "Basic b3RoZXI6cHc=");

pub(crate) fn permissions_are_the_users(setup: Setup) {
    let (_server, http) = start(setup, USERS);
    for headers in [&[][..], &[("Authorization", "Basic YWxsOm5v")], &[("Authorization", "Bearer t")]] {
        let answer = ask(http, "PUT /v1/nats/subjects/ok.a", headers, "");
        assert_eq!(answer.status, 401, "{headers:?}");
        assert!(answer.header("www-authenticate").is_some());
    }
    assert_eq!(ask(http, "PUT /v1/nats/subjects/no.a", &[ALL], "").status, 204);
    assert_eq!(ask(http, "PUT /v1/nats/subjects/ok.a", &[SOME], "").status, 204);
    for request in ["PUT /v1/nats/subjects/no.a", "POST /v1/nats/subjects/no.a", "GET /v1/nats/subjects/no.a"]
    {
        let answer = ask(http, request, &[SOME], "");
        assert_eq!((answer.status, answer.json()["subject"].as_str()), (403, Some("no.a")), "{request}");
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains("Permissions Violation"), "{detail}");
    }
    let me = ask(http, "GET /v1/me", &[SOME], "").json();
    assert_eq!((&me["user"], &me["account"]), (&json!("some"), &json!("A")));
    // Accounts do not hear each other.
    let mut events = Tail::open(http, "/v1/nats/subjects/x", &[ALL]);
    assert_eq!(ask(http, "PUT /v1/nats/subjects/x", &[OTHER], "from B").status, 204);
    assert_eq!(ask(http, "PUT /v1/nats/subjects/x", &[ALL], "from A").status, 204);
    assert!(events.next("{").expect("a message").contains("ZnJvbSBB"));
}

pub(crate) fn credentials_in_the_query_count_where_they_may(setup: Setup) {
    let token = "authorization { token: s3cret }\n";
    let (server, http) = start(setup, &format!("{}{token}", crate::BLOCK));
    let query = "PUT /v1/nats/subjects/a?X-Nats-Api-Key=s3cret";
    assert_eq!(ask(http, query, &[], "").status, 401);
    assert_eq!(ask(http, "PUT /v1/nats/subjects/a", &[("X-Nats-Api-Key", "s3cret")], "").status, 204);
    assert_eq!(ask(http, "PUT /v1/nats/subjects/a", &[("Authorization", "s3cret")], "").status, 204);
    drop(server);
    let open = "http_api { listen: \"127.0.0.1:-1\", query_credentials: true }\n";
    let (server, http) = start(setup, &format!("{open}{token}"));
    assert_eq!(ask(http, query, &[], "").status, 204);
    assert_eq!(ask(http, "PUT /v1/nats/subjects/a?authorization=Bearer%20s3cret", &[], "").status, 204);
    assert!(!server.log().text().contains("s3cret"));
}

pub(crate) fn streams_of_one_user_are_bounded(setup: Setup) {
    let (_server, http) = start(setup, USERS);
    let open = |who| Tail::open(http, "/v1/nats/subjects/ok.a?idleHeartbeat=100", &[who]);
    let (_first, second) = (open(ALL), open(ALL));
    let refused = ask(http, "GET /v1/nats/subjects/ok.a", &[ALL], "");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    assert!(open(SOME).head.starts_with("HTTP/1.1 200"));
    drop(second);
    // The place is free once the server has seen that nobody is there.
    let is_free = || open(ALL).head.starts_with("HTTP/1.1 200");
    let deadline = std::time::Instant::now() + test_kit::ANSWER_DEADLINE;
    while !is_free() {
        assert!(std::time::Instant::now() < deadline, "it is never free");
    }
}

/// A webhook that can say nothing of who it is.
pub(crate) fn a_path_may_have_a_user_of_its_own(setup: Setup) {
    let block = USERS.replace(
        "http_api {",
        "http_api {\nroutes { \"POST /hooks/>\": { subject: \"ok.>\", user: some, password: pw } }\n",
    );
    let (_server, http) = start(setup, &block);
    let hook = ask(http, "POST /hooks/a", &[], "x");
    assert_eq!(
        (hook.status, hook.json()["subject"].as_str()),
        (503, Some("ok.a")),
        "nobody listens: it came through"
    );
    assert_eq!(
        ask(http, "POST /hooks/a", &[("Authorization", "Basic YWxsOm5v")], "").status,
        401,
        "he says who he is"
    );
    assert_eq!(ask(http, "GET /v1/me", &[], "").status, 401);
    let foreign = ask(http, "POST /hooks/a", &[("Host", "evil.example")], "x");
    assert_eq!(foreign.status, 421);
}
