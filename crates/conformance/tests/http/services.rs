use std::thread;

use serde_json::json;
use test_kit::{RawClient, Server, ServerOp, Setup};

use crate::client::ask;
use crate::start;

const ROUTES: &str = r#"
http_api { listen: "127.0.0.1:-1", routes { "PUT /shop/orders/*": "orders.get.*", "GET /shop/fail": "orders.fail" } }
"#;

/// An instance of the service `orders`, as client libraries make one: it answers until its server is gone.
fn serve(server: &Server, id: &'static str) -> thread::JoinHandle<()> {
    let mut client = server.connect();
    let about = json!({
        "name": "orders", "id": id, "version": "1.0.0", "type": "io.nats.micro.v1.info_response",
        "endpoints": [
            { "name": "get", "subject": "orders.get.*", "queue_group": "q", "metadata": { "http.method": "GET" } },
            { "name": "fail", "subject": "orders.fail", "queue_group": "q" },
            { "name": "all", "subject": "orders.all" },
        ],
    });
    let stats = json!({ "name": "orders", "id": id, "endpoints": [
        { "name": "get", "num_requests": 2, "num_errors": 1, "processing_time": 10 },
    ] });
    for (sid, subject) in
        ["$SRV.INFO", "$SRV.INFO.orders", "$SRV.STATS.orders", "orders.all"].iter().enumerate()
    {
        client.send(format!("SUB {subject} {sid}\r\n"));
    }
    client.send("SUB orders.get.* q 10\r\nSUB orders.fail q 11\r\n");
    client.flush();
    thread::spawn(move || {
        while let ServerOp::Msg(message) = client.next_op() {
            let Some(reply) = message.reply else { continue };
            match message.subject.as_str() {
                "$SRV.STATS.orders" => client.publish(&reply, stats.to_string()),
                subject if subject.starts_with("$SRV.INFO") => client.publish(&reply, about.to_string()),
                "orders.fail" => fail(&mut client, &reply),
                "orders.all" => client.publish(&reply, id),
                subject => client.publish(&reply, [subject.as_bytes(), b" ", &message.payload].concat()),
            }
        }
    })
}

fn fail(client: &mut RawClient, reply: &str) {
    let headers = "NATS/1.0\r\nNats-Service-Error: no such order\r\nNats-Service-Error-Code: 404\r\n\r\n";
    client.send(format!("HPUB {reply} {0} {1}\r\n{headers}why\r\n", headers.len(), headers.len() + 3));
}

pub(crate) fn services_are_found_and_called(setup: Setup) {
    let (server, http) = start(setup, ROUTES);
    assert_eq!(ask(http, "GET /v1/services", &[], "").json(), json!({ "services": [] }));
    let instances = [serve(&server, "one"), serve(&server, "two")];
    let told = ask(http, "GET /v1/services", &[], "").json();
    assert_eq!(
        (&told["services"][0]["name"], &told["services"][0]["versions"]),
        (&json!("orders"), &json!(["1.0.0"]))
    );
    assert_eq!(told["services"][0]["instances"].as_array().map(Vec::len), Some(2));
    assert_eq!(ask(http, "GET /v1/services/orders", &[], "").status, 200);
    let stats = ask(http, "GET /v1/services/orders/stats", &[], "").json();
    assert_eq!(
        stats["endpoints"][0],
        json!({ "name": "get", "num_requests": 4, "num_errors": 2, "average_processing_time": 5 })
    );

    let answer = ask(http, "POST /v1/svc/orders/get/42", &[], "{}");
    assert_eq!((answer.status, answer.text()), (200, "orders.get.42 {}".to_owned()));
    let answer = ask(http, "GET /v1/svc/orders/get/42?full=1&timeout=2s", &[], "");
    assert_eq!(answer.text(), "orders.get.42 {\"full\":\"1\"}");
    let answer = ask(http, "POST /v1/svc/orders/fail", &[], "");
    assert_eq!((answer.status, answer.text()), (404, "why".to_owned()));
    assert_eq!(answer.header("nats-service-error"), Some("no such order"));
    let mut all: Vec<String> = ask(
        http,
        "POST /v1/svc/orders/all?max=10&stall=300ms",
        &[("Accept", "application/vnd.nats.text+json")],
        "",
    )
    .text()
    .lines()
    .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["text"].to_string())
    .collect();
    all.sort();
    assert_eq!(all, ["\"one\"", "\"two\""]);

    // A path of the operator's own, by the same wildcards.
    let answer = ask(http, "PUT /shop/orders/7", &[], "{}");
    assert_eq!((answer.status, answer.text()), (200, "orders.get.7 {}".to_owned()));
    assert_eq!(ask(http, "GET /shop/fail", &[], "").status, 404);
    assert_eq!(ask(http, "PUT /shop/orders/7.8", &[], "").status, 400);
    assert_eq!(ask(http, "POST /shop/orders/7", &[], "").status, 404);

    for (request, status) in [
        ("POST /v1/svc/orders/get", 400),
        ("POST /v1/svc/orders/get/a.b", 400),
        ("POST /v1/svc/orders/get/1/2", 400),
        ("GET /v1/svc/orders/fail", 405),
        ("POST /v1/svc/orders/none", 404),
        ("POST /v1/svc/nobody/get", 404),
        ("GET /v1/services/nobody", 404),
        ("GET /v1/services/nobody/stats", 404),
    ] {
        assert_eq!(ask(http, request, &[], "").status, status, "{request}");
    }
    drop(server);
    instances.into_iter().for_each(|instance| instance.join().expect("it ends with its server"));
}
