// What the monitoring endpoints say, as far as the pages read it.

export interface Varz {
    server_id: string;
    server_name: string;
    now: string;
    start: string;
    connections: number;
    total_connections: number;
    subscriptions: number;
    slow_consumers: number;
    stale_connections: number;
    stalled_clients: number;
    routes: number;
    max_connections: number;
    slow_consumer_stats?: Record<string, number>;
    cluster: { name?: string; urls?: string[] };
    websocket: { host?: string; port?: number; no_tls?: boolean };
    jetstream?: { config?: Record<string, unknown>; stats?: JetStreamStats };
    [key: string]: unknown;
}

interface JetStreamStats {
    memory: number;
    storage: number;
    api: { total: number; errors: number };
}

export interface Connection {
    cid: number;
    kind: string;
    type: string;
    ip: string;
    port: number;
    start: string;
    last_activity: string;
    stop?: string;
    reason?: string;
    rtt?: string;
    uptime: string;
    idle: string;
    pending_bytes: number;
    in_msgs: number;
    out_msgs: number;
    in_bytes: number;
    out_bytes: number;
    subscriptions: number;
    name?: string;
    lang?: string;
    version?: string;
    account?: string;
    authorized_user?: string;
    tls_version?: string;
    stalls?: number;
    subscriptions_list_detail?: Subscription[];
}

export interface Connz {
    now: string;
    num_connections: number;
    total: number;
    connections: Connection[];
}

export interface Subscription {
    account?: string;
    subject: string;
    qgroup?: string;
    sid: string;
    msgs: number;
    max?: number;
    cid: number;
}

export interface Subsz {
    now: string;
    num_subscriptions: number;
    num_cache: number;
    num_matches: number;
    cache_hit_rate: number;
    max_fanout: number;
    avg_fanout: number;
    total: number;
    subscriptions_list?: Subscription[];
}

interface Traffic {
    msgs: number;
    bytes: number;
}

export interface AccountStat {
    acc: string;
    conns: number;
    total_conns: number;
    num_subscriptions: number;
    sent: Traffic;
    received: Traffic;
    slow_consumers: number;
}

export interface Accstatz {
    now: string;
    account_statz: AccountStat[];
}

export interface Accountz {
    account_detail?: Record<string, unknown>;
}

export interface StreamConfig {
    subjects?: string[];
    retention: string;
    storage: string;
    max_msgs: number;
    max_bytes: number;
    max_age: number;
    max_msg_size: number;
    max_msgs_per_subject: number;
    discard: string;
    num_replicas: number;
    description?: string;
    mirror?: { name: string };
    sources?: { name: string }[];
    [key: string]: unknown;
}

export interface ConsumerDetail {
    stream_name: string;
    name: string;
    created: string;
    config?: {
        ack_policy: string;
        deliver_policy: string;
        deliver_subject?: string;
        deliver_group?: string;
        filter_subject?: string;
        filter_subjects?: string[];
        max_ack_pending?: number;
        ack_wait?: number;
        max_deliver?: number;
        durable_name?: string;
        description?: string;
        metadata?: Record<string, string>;
    };
    priority_groups?: { group: string; pinned_client_id?: string; pinned_ts?: string }[];
    delivered: { consumer_seq: number; stream_seq: number; last_active?: string };
    ack_floor: { consumer_seq: number; stream_seq: number; last_active?: string };
    num_ack_pending: number;
    num_redelivered: number;
    num_waiting: number;
    num_pending: number;
    paused?: boolean;
    push_bound?: boolean;
}

export interface Reason {
    reason: string;
    says: string;
    seq?: number;
    who?: string;
    until?: string;
    command?: string;
}

export interface ConsumerExplained {
    name: string;
    is_stuck: boolean;
    reasons: Reason[];
}

export interface StreamDetail {
    name: string;
    created: string;
    config?: StreamConfig;
    state: {
        messages: number;
        bytes: number;
        first_seq: number;
        first_ts: string;
        last_seq: number;
        last_ts: string;
        num_subjects?: number;
        num_deleted?: number;
        consumer_count: number;
    };
    consumer_detail?: ConsumerDetail[];
    consumer_explain?: ConsumerExplained[];
    mirror?: { name: string; lag: number; active: number };
    sources?: { name: string; lag: number; active: number }[];
}

export interface Jsz {
    now: string;
    disabled?: boolean;
    streams: number;
    consumers: number;
    messages: number;
    bytes: number;
    memory: number;
    storage: number;
    api?: { total: number; errors: number };
    config?: Record<string, unknown>;
    account_details?: { name: string; stream_detail?: StreamDetail[] }[];
}

export interface Route {
    rid: number;
    remote_id: string;
    remote_name?: string;
    did_solicit: boolean;
    ip: string;
    port: number;
    start: string;
    rtt?: string;
    uptime: string;
    pending_size: number;
    in_msgs: number;
    out_msgs: number;
    in_bytes: number;
    out_bytes: number;
    subscriptions: number;
    compression?: string;
    account?: string;
}

export interface Routez {
    now: string;
    server_id: string;
    num_routes: number;
    routes: Route[];
}

export interface Leaf {
    id?: number;
    name: string;
    is_spoke?: boolean;
    account: string;
    ip: string;
    port: number;
    rtt?: string;
    in_msgs: number;
    out_msgs: number;
    in_bytes: number;
    out_bytes: number;
    subscriptions: number;
}

export interface Leafz {
    now: string;
    leafnodes: number;
    leafs?: Leaf[];
}

export interface Healthz {
    status: string;
    error?: string;
    errors?: { type: string; error: string; account?: string; stream?: string; consumer?: string }[];
}

// Rows of all accounts, with the account they are of.
export interface StreamRow extends StreamDetail {
    account: string;
}

export const streamRows = (jsz: Jsz | undefined): StreamRow[] =>
    (jsz?.account_details ?? []).flatMap(({ name, stream_detail }) => (stream_detail ?? []).map((stream) => ({ ...stream, account: name })));
