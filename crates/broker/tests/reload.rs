//! Settings that change while connections are there.

mod shards;

use shards::Shards;

#[test]
fn a_reload_counts_from_the_next_op_and_tells_nobody() {
    let mut shards = Shards::new(1);
    let conn = shards.quiet();
    shards.reconfigure(|settings| {
        settings.limits.payload_bytes_max = 4;
        settings.max_subscriptions = Some(1);
        settings.info.host = "elsewhere".into();
    });
    assert_eq!(shards.output(conn), "");
    shards.feed(conn, "SUB a 1\r\nSUB b 2\r\nPUB a 4\r\nfour\r\n");
    assert_eq!(shards.output(conn), "-ERR 'maximum subscriptions exceeded'\r\nMSG a 1 4\r\nfour\r\n");
    shards.feed(conn, "PUB a 5\r\n");
    assert_eq!(shards.output(conn), "-ERR 'Maximum Payload Violation'\r\n");
    let newcomer = shards.accept();
    assert!(shards.output(newcomer).contains(r#""host":"elsewhere""#));
}

#[test]
fn a_reload_changes_how_many_may_connect_and_how_much_may_wait() {
    let mut shards = Shards::new(2);
    let (reader, publisher) = (shards.quiet(), shards.quiet());
    shards.feed(reader, "SUB a 1\r\n");
    shards.settle();
    shards.reconfigure(|settings| {
        settings.max_connections = 2;
        settings.max_pending = 1000;
    });
    let third = shards.accept();
    assert!(shards.output(third).ends_with("-ERR 'maximum connections exceeded'\r\n"));
    shards.feed(publisher, &format!("PUB a 990\r\n{}\r\n", "x".repeat(990)));
    shards.settle();
    shards.output(reader);
    assert!(shards.is_closed(reader));
}
