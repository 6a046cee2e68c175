/* The conformance scenarios through the C client, libnats.
 *
 * Usage: scenarios URL. Prints `ok NAME` or `FAIL NAME why` per scenario. Lines without a verdict
 * are requests to the driver, which answers each with one line on stdin: `restart`, `stall SUBJECT`
 * and `await-cutoff`.
 *
 * A scenario stops at its first failed TRY or CHECK and leaves its objects behind: the process is
 * short-lived. */

#include <nats/nats.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_MS 30000
#define MIB (1024 * 1024)

static const char *url;
static char why[256];

/* Both make the scenario return false, with the reason in `why`. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        natsStatus status_ = (call);                                                               \
        if (status_ != NATS_OK) {                                                                  \
            snprintf(why, sizeof why, "line %d: %s", __LINE__, natsStatus_GetText(status_));       \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

#define CHECK(holds, what)                                                                         \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            snprintf(why, sizeof why, "line %d: %s", __LINE__, what);                              \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

/* What callbacks on libnats' threads leave for the scenario. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int happened;

static void reset_happened(void)
{
    pthread_mutex_lock(&lock);
    happened = 0;
    pthread_mutex_unlock(&lock);
}

static void one_more(void)
{
    pthread_mutex_lock(&lock);
    happened++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

/* Waits until `count` things have happened; false when that takes too long. */
static bool await_happened(int count)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += ANSWER_MS / 1000;
    pthread_mutex_lock(&lock);
    while (happened < count && pthread_cond_timedwait(&changed, &lock, &deadline) == 0) {
    }
    bool reached = happened >= count;
    pthread_mutex_unlock(&lock);
    return reached;
}

static bool ask_driver(const char *request)
{
    char answer[64];
    puts(request);
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) != NULL && strcmp(answer, "done\n") == 0;
}

static bool has_text(natsMsg *message, const char *text)
{
    int len = natsMsg_GetDataLength(message);
    return len == (int)strlen(text) && memcmp(natsMsg_GetData(message), text, (size_t)len) == 0;
}

/* The next message is `text` and comes on `subject`, where that is not NULL. */
static bool expect(natsSubscription *subscription, const char *subject, const char *text)
{
    natsMsg *message = NULL;
    TRY(natsSubscription_NextMsg(&message, subscription, ANSWER_MS));
    bool as_expected = has_text(message, text)
        && (subject == NULL || strcmp(natsMsg_GetSubject(message), subject) == 0);
    if (!as_expected)
        snprintf(why, sizeof why, "'%.*s' on %s, expected '%s'", natsMsg_GetDataLength(message),
                 natsMsg_GetData(message), natsMsg_GetSubject(message), text);
    natsMsg_Destroy(message);
    return as_expected;
}

static bool expect_number(natsSubscription *subscription, int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    return expect(subscription, NULL, text);
}

static bool publish_number(natsConnection *client, const char *subject, int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    TRY(natsConnection_PublishString(client, subject, text));
    return true;
}

static bool expect_no_responders(natsConnection *client, const char *subject)
{
    natsMsg *answer = NULL;
    natsStatus status = natsConnection_RequestString(&answer, client, subject, "", ANSWER_MS);
    CHECK(status == NATS_NO_RESPONDERS, natsStatus_GetText(status));
    return true;
}

static bool pub_sub(void)
{
    enum { CLIENTS = 5, MESSAGES = 200 };
    natsConnection *clients[CLIENTS];
    natsSubscription *news[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        TRY(natsConnection_ConnectTo(&clients[i], url));
        TRY(natsConnection_SubscribeSync(&news[i], clients[i], "news"));
        TRY(natsConnection_FlushTimeout(clients[i], ANSWER_MS));
    }
    for (int number = 0; number < MESSAGES; number++)
        if (!publish_number(clients[0], "news", number))
            return false;
    for (int i = 0; i < CLIENTS; i++)
        for (int number = 0; number < MESSAGES; number++)
            if (!expect_number(news[i], number))
                return false;
    for (int i = 0; i < CLIENTS; i++) {
        natsSubscription_Destroy(news[i]);
        natsConnection_Destroy(clients[i]);
    }
    return true;
}

static bool wildcards(void)
{
    enum { FILTERS = 6, SUBJECTS = 6 };
    static const char *const subjects[SUBJECTS] = {"a", "a.b", "a.c", "a.b.c", "a.b.c.d", "b.b"};
    static const struct {
        const char *filter;
        const char *heard[SUBJECTS + 1];
    } heard_by[FILTERS] = {
        {"a.*", {"a.b", "a.c"}},
        {"a.>", {"a.b", "a.c", "a.b.c", "a.b.c.d"}},
        {"*.b", {"a.b", "b.b"}},
        {"a.*.c", {"a.b.c"}},
        {"*", {"a"}},
        {">", {"a", "a.b", "a.c", "a.b.c", "a.b.c.d", "b.b"}},
    };
    natsConnection *publisher, *clients[FILTERS];
    natsSubscription *subscriptions[FILTERS];
    TRY(natsConnection_ConnectTo(&publisher, url));
    for (int i = 0; i < FILTERS; i++) {
        TRY(natsConnection_ConnectTo(&clients[i], url));
        TRY(natsConnection_SubscribeSync(&subscriptions[i], clients[i], heard_by[i].filter));
        TRY(natsConnection_FlushTimeout(clients[i], ANSWER_MS));
    }
    for (int i = 0; i < SUBJECTS; i++)
        TRY(natsConnection_PublishString(publisher, subjects[i], subjects[i]));
    TRY(natsConnection_FlushTimeout(publisher, ANSWER_MS));
    for (int i = 0; i < FILTERS; i++) {
        for (const char *const *subject = heard_by[i].heard; *subject != NULL; subject++)
            if (!expect(subscriptions[i], *subject, *subject))
                return false;
        uint64_t more = 0;
        TRY(natsConnection_FlushTimeout(clients[i], ANSWER_MS));
        TRY(natsSubscription_QueuedMsgs(subscriptions[i], &more));
        CHECK(more == 0, heard_by[i].filter);
        natsSubscription_Destroy(subscriptions[i]);
        natsConnection_Destroy(clients[i]);
    }
    natsConnection_Destroy(publisher);
    return true;
}

enum { MEMBERS = 6, JOBS = 600 };
static int jobs_of[MEMBERS], times_heard[JOBS];

static void on_job(natsConnection *client, natsSubscription *subscription, natsMsg *message, void *member)
{
    (void)client;
    (void)subscription;
    char text[16] = "";
    memcpy(text, natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message) % sizeof text);
    natsMsg_Destroy(message);
    pthread_mutex_lock(&lock);
    times_heard[atoi(text) % JOBS]++;
    (*(int *)member)++;
    pthread_mutex_unlock(&lock);
    one_more();
}

static bool queue_spread(void)
{
    natsConnection *publisher, *workers[MEMBERS];
    natsSubscription *subscriptions[MEMBERS];
    reset_happened();
    TRY(natsConnection_ConnectTo(&publisher, url));
    for (int i = 0; i < MEMBERS; i++) {
        TRY(natsConnection_ConnectTo(&workers[i], url));
        TRY(natsConnection_QueueSubscribe(&subscriptions[i], workers[i], "jobs", "workers", on_job,
                                          &jobs_of[i]));
        TRY(natsConnection_FlushTimeout(workers[i], ANSWER_MS));
    }
    for (int number = 0; number < JOBS; number++)
        if (!publish_number(publisher, "jobs", number))
            return false;
    CHECK(await_happened(JOBS), "some message never came");
    for (int number = 0; number < JOBS; number++)
        CHECK(times_heard[number] == 1, "some message came twice");
    for (int i = 0; i < MEMBERS; i++) {
        CHECK(jobs_of[i] > 0, "some member got nothing");
        natsSubscription_Destroy(subscriptions[i]);
        natsConnection_Destroy(workers[i]);
    }
    natsConnection_Destroy(publisher);
    return true;
}

static void on_double(natsConnection *client, natsSubscription *subscription, natsMsg *message, void *closure)
{
    (void)subscription;
    (void)closure;
    char twice[64];
    int len = natsMsg_GetDataLength(message);
    int doubled = snprintf(twice, sizeof twice, "%.*s%.*s", len, natsMsg_GetData(message), len,
                           natsMsg_GetData(message));
    natsConnection_Publish(client, natsMsg_GetReply(message), twice, doubled);
    natsMsg_Destroy(message);
}

static bool request_reply(void)
{
    natsConnection *requester, *responder;
    natsSubscription *subscription;
    TRY(natsConnection_ConnectTo(&requester, url));
    TRY(natsConnection_ConnectTo(&responder, url));
    TRY(natsConnection_Subscribe(&subscription, responder, "double", on_double, NULL));
    TRY(natsConnection_FlushTimeout(responder, ANSWER_MS));
    for (int number = 0; number < 100; number++) {
        char once[16], twice[32];
        snprintf(once, sizeof once, "%d", number);
        snprintf(twice, sizeof twice, "%d%d", number, number);
        natsMsg *answer = NULL;
        TRY(natsConnection_RequestString(&answer, requester, "double", once, ANSWER_MS));
        CHECK(has_text(answer, twice), "another request's answer");
        natsMsg_Destroy(answer);
    }
    natsSubscription_Destroy(subscription);
    natsConnection_Destroy(requester);
    natsConnection_Destroy(responder);
    return true;
}

enum { RESPONDERS = 5, REPLIES = 40 };

static void on_survey(natsConnection *client, natsSubscription *subscription, natsMsg *message, void *index)
{
    (void)subscription;
    for (int number = 0; number < REPLIES; number++) {
        char text[16];
        snprintf(text, sizeof text, "%d", *(int *)index * REPLIES + number);
        natsConnection_PublishString(client, natsMsg_GetReply(message), text);
    }
    natsMsg_Destroy(message);
}

static bool many_replies(void)
{
    static int indexes[RESPONDERS];
    natsConnection *requester, *responders[RESPONDERS];
    natsSubscription *subscriptions[RESPONDERS], *answers;
    natsInbox *inbox;
    bool seen[RESPONDERS * REPLIES] = {false};
    TRY(natsConnection_ConnectTo(&requester, url));
    for (int i = 0; i < RESPONDERS; i++) {
        indexes[i] = i;
        TRY(natsConnection_ConnectTo(&responders[i], url));
        TRY(natsConnection_Subscribe(&subscriptions[i], responders[i], "survey", on_survey, &indexes[i]));
        TRY(natsConnection_FlushTimeout(responders[i], ANSWER_MS));
    }
    TRY(natsInbox_Create(&inbox));
    TRY(natsConnection_SubscribeSync(&answers, requester, inbox));
    TRY(natsConnection_PublishRequestString(requester, "survey", inbox, ""));
    for (int count = 0; count < RESPONDERS * REPLIES; count++) {
        natsMsg *answer = NULL;
        char text[16] = "";
        TRY(natsSubscription_NextMsg(&answer, answers, ANSWER_MS));
        memcpy(text, natsMsg_GetData(answer), (size_t)natsMsg_GetDataLength(answer) % sizeof text);
        natsMsg_Destroy(answer);
        int number = atoi(text) % (RESPONDERS * REPLIES);
        CHECK(!seen[number], "some reply came twice");
        seen[number] = true;
    }
    natsSubscription_Destroy(answers);
    natsInbox_Destroy(inbox);
    natsConnection_Destroy(requester);
    for (int i = 0; i < RESPONDERS; i++) {
        natsSubscription_Destroy(subscriptions[i]);
        natsConnection_Destroy(responders[i]);
    }
    return true;
}

static bool no_responders(void)
{
    for (int i = 0; i < 4; i++) {
        natsConnection *client;
        TRY(natsConnection_ConnectTo(&client, url));
        if (!expect_no_responders(client, "nobody.home"))
            return false;
        natsConnection_Destroy(client);
    }
    return true;
}

static bool headers(void)
{
    static const char *const payloads[] = {"", "with a body"};
    natsConnection *publisher, *subscriber;
    natsSubscription *letters;
    TRY(natsConnection_ConnectTo(&publisher, url));
    TRY(natsConnection_ConnectTo(&subscriber, url));
    TRY(natsConnection_SubscribeSync(&letters, subscriber, "letters"));
    TRY(natsConnection_FlushTimeout(subscriber, ANSWER_MS));
    for (int i = 0; i < 2; i++) {
        natsMsg *sent, *got;
        const char **values;
        int count;
        TRY(natsMsg_Create(&sent, "letters", NULL, payloads[i], (int)strlen(payloads[i])));
        TRY(natsMsgHeader_Add(sent, "Stamp", "one"));
        TRY(natsMsgHeader_Add(sent, "Stamp", "two words: and a colon"));
        TRY(natsConnection_PublishMsg(publisher, sent));
        natsMsg_Destroy(sent);
        TRY(natsSubscription_NextMsg(&got, letters, ANSWER_MS));
        TRY(natsMsgHeader_Values(got, "Stamp", &values, &count));
        CHECK(count == 2, "not both values came");
        CHECK(strcmp(values[0], "one") == 0, values[0]);
        CHECK(strcmp(values[1], "two words: and a colon") == 0, values[1]);
        CHECK(has_text(got, payloads[i]), "another payload");
        free((void *)values);
        natsMsg_Destroy(got);
    }
    natsSubscription_Destroy(letters);
    natsConnection_Destroy(publisher);
    natsConnection_Destroy(subscriber);
    return true;
}

static void on_closed(natsConnection *client, void *closure)
{
    (void)client;
    (void)closure;
    one_more();
}

/* Counts messages as long as they come in order. */
static void on_in_order(natsConnection *client, natsSubscription *subscription, natsMsg *message, void *next)
{
    (void)client;
    (void)subscription;
    char due[16];
    snprintf(due, sizeof due, "%d", *(int *)next);
    if (has_text(message, due))
        (*(int *)next)++;
    natsMsg_Destroy(message);
}

static bool drain(void)
{
    enum { MESSAGES = 500 };
    static int next;
    natsConnection *publisher, *draining;
    natsSubscription *subscription;
    natsOptions *options;
    reset_happened();
    TRY(natsOptions_Create(&options));
    TRY(natsOptions_SetURL(options, url));
    TRY(natsOptions_SetClosedCB(options, on_closed, NULL));
    TRY(natsConnection_ConnectTo(&publisher, url));
    TRY(natsConnection_Connect(&draining, options));
    TRY(natsConnection_Subscribe(&subscription, draining, "tank", on_in_order, &next));
    TRY(natsConnection_FlushTimeout(draining, ANSWER_MS));
    for (int number = 0; number < MESSAGES; number++)
        if (!publish_number(publisher, "tank", number))
            return false;
    TRY(natsConnection_FlushTimeout(publisher, ANSWER_MS));
    TRY(natsConnection_Drain(draining));
    CHECK(await_happened(1), "the drained connection never closed");
    CHECK(next == MESSAGES, "the drain lost messages");
    if (!expect_no_responders(publisher, "tank"))
        return false;
    natsSubscription_Destroy(subscription);
    natsConnection_Destroy(draining);
    natsConnection_Destroy(publisher);
    natsOptions_Destroy(options);
    return true;
}

static bool auto_unsubscribe(void)
{
    enum { MAX = 5 };
    natsConnection *publisher, *subscriber;
    natsSubscription *limited;
    TRY(natsConnection_ConnectTo(&publisher, url));
    TRY(natsConnection_ConnectTo(&subscriber, url));
    TRY(natsConnection_SubscribeSync(&limited, subscriber, "limited"));
    TRY(natsSubscription_AutoUnsubscribe(limited, MAX));
    TRY(natsConnection_FlushTimeout(subscriber, ANSWER_MS));
    for (int number = 0; number < MAX; number++)
        if (!publish_number(publisher, "limited", number))
            return false;
    for (int number = 0; number < MAX; number++)
        if (!expect_number(limited, number))
            return false;
    natsMsg *more = NULL;
    natsStatus status = natsSubscription_NextMsg(&more, limited, ANSWER_MS);
    CHECK(status == NATS_MAX_DELIVERED_MSGS, natsStatus_GetText(status));
    if (!expect_no_responders(publisher, "limited"))
        return false;
    natsSubscription_Destroy(limited);
    natsConnection_Destroy(publisher);
    natsConnection_Destroy(subscriber);
    return true;
}

static bool reconnect(void)
{
    natsConnection *client, *other;
    natsSubscription *subscription;
    natsOptions *options;
    reset_happened();
    TRY(natsOptions_Create(&options));
    TRY(natsOptions_SetURL(options, url));
    TRY(natsOptions_SetMaxReconnect(options, 100000));
    TRY(natsOptions_SetReconnectWait(options, 5));
    TRY(natsOptions_SetReconnectJitter(options, 0, 0));
    TRY(natsOptions_SetReconnectedCB(options, on_closed, NULL));
    TRY(natsConnection_Connect(&client, options));
    TRY(natsConnection_SubscribeSync(&subscription, client, "still.here"));
    TRY(natsConnection_FlushTimeout(client, ANSWER_MS));
    CHECK(ask_driver("restart"), "the driver could not restart the server");
    CHECK(await_happened(1), "the client never reconnected");
    TRY(natsConnection_FlushTimeout(client, ANSWER_MS));
    TRY(natsConnection_ConnectTo(&other, url));
    TRY(natsConnection_PublishString(other, "still.here", "again"));
    if (!expect(subscription, "still.here", "again"))
        return false;
    natsSubscription_Destroy(subscription);
    natsConnection_Destroy(client);
    natsConnection_Destroy(other);
    natsOptions_Destroy(options);
    return true;
}

static bool large_payload(void)
{
    natsConnection *publisher, *subscriber;
    natsSubscription *large;
    char *payload = malloc(MIB);
    TRY(natsConnection_ConnectTo(&publisher, url));
    TRY(natsConnection_ConnectTo(&subscriber, url));
    CHECK(natsConnection_GetMaxPayload(publisher) == MIB, "max_payload is not 1 MiB");
    TRY(natsConnection_SubscribeSync(&large, subscriber, "large"));
    TRY(natsConnection_FlushTimeout(subscriber, ANSWER_MS));
    for (int round = 0; round < 8; round++) {
        natsMsg *message;
        for (int at = 0; at < MIB; at++)
            payload[at] = (char)(at * 7 + round);
        TRY(natsConnection_Publish(publisher, "large", payload, MIB));
        TRY(natsSubscription_NextMsg(&message, large, ANSWER_MS));
        CHECK(natsMsg_GetDataLength(message) == MIB, "another length");
        CHECK(memcmp(natsMsg_GetData(message), payload, MIB) == 0, "another payload");
        natsMsg_Destroy(message);
    }
    free(payload);
    natsSubscription_Destroy(large);
    natsConnection_Destroy(publisher);
    natsConnection_Destroy(subscriber);
    return true;
}

static bool many_subscriptions(void)
{
    enum { SUBSCRIPTIONS = 10000 };
    static natsSubscription *many[SUBSCRIPTIONS];
    natsConnection *publisher, *subscriber;
    char subject[32];
    TRY(natsConnection_ConnectTo(&publisher, url));
    TRY(natsConnection_ConnectTo(&subscriber, url));
    for (int number = 0; number < SUBSCRIPTIONS; number++) {
        snprintf(subject, sizeof subject, "many.%d", number);
        TRY(natsConnection_SubscribeSync(&many[number], subscriber, subject));
    }
    TRY(natsConnection_FlushTimeout(subscriber, ANSWER_MS));
    for (int number = 0; number < SUBSCRIPTIONS; number++) {
        snprintf(subject, sizeof subject, "many.%d", number);
        if (!publish_number(publisher, subject, number))
            return false;
    }
    for (int number = 0; number < SUBSCRIPTIONS; number++) {
        if (!expect_number(many[number], number))
            return false;
        natsSubscription_Destroy(many[number]);
    }
    natsConnection_Destroy(publisher);
    natsConnection_Destroy(subscriber);
    return true;
}

static bool slow_consumer(void)
{
    natsConnection *publisher, *subscriber;
    natsSubscription *flood;
    char *payload = malloc(MIB);
    memset(payload, 'f', MIB);
    TRY(natsConnection_ConnectTo(&publisher, url));
    TRY(natsConnection_ConnectTo(&subscriber, url));
    TRY(natsConnection_SubscribeSync(&flood, subscriber, "flood"));
    TRY(natsConnection_FlushTimeout(subscriber, ANSWER_MS));
    CHECK(ask_driver("stall flood"), "the driver could not stall");
    for (int count = 0; count < 100; count++) {
        natsMsg *message;
        TRY(natsConnection_Publish(publisher, "flood", payload, MIB));
        TRY(natsSubscription_NextMsg(&message, flood, ANSWER_MS));
        CHECK(natsMsg_GetDataLength(message) == MIB, "another length");
        natsMsg_Destroy(message);
    }
    CHECK(ask_driver("await-cutoff"), "the stalled reader was not cut off");
    TRY(natsConnection_FlushTimeout(publisher, ANSWER_MS));
    TRY(natsConnection_FlushTimeout(subscriber, ANSWER_MS));
    free(payload);
    natsSubscription_Destroy(flood);
    natsConnection_Destroy(publisher);
    natsConnection_Destroy(subscriber);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(void);
} scenarios[] = {
    {"pub_sub", pub_sub},
    {"wildcards", wildcards},
    {"queue_spread", queue_spread},
    {"request_reply", request_reply},
    {"many_replies", many_replies},
    {"no_responders", no_responders},
    {"headers", headers},
    {"drain", drain},
    {"auto_unsubscribe", auto_unsubscribe},
    {"reconnect", reconnect},
    {"large_payload", large_payload},
    {"many_subscriptions", many_subscriptions},
    {"slow_consumer", slow_consumer},
};

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s URL\n", argv[0]);
        return 2;
    }
    url = argv[1];
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        if (scenarios[i].run())
            printf("ok %s\n", scenarios[i].name);
        else
            printf("FAIL %s %s\n", scenarios[i].name, why);
        fflush(stdout);
    }
    return 0;
}
