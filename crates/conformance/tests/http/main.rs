//! NATS over HTTP, by a client that says it byte by byte and by curl.

mod basics;
mod client;
mod guards;
mod identities;
mod one_port;
mod page;
mod questions;
mod services;
mod streams;

use std::net::SocketAddr;

use basics::{
    a_batch_has_a_line_for_each, a_server_that_ends_says_so, events_and_lines_come_as_they_are_published,
    lists_wait_for_what_comes, requests_are_answered, what_is_published_arrives, what_is_wrong_is_told,
};
use guards::{
    names_that_point_here_are_refused, pages_of_other_sites_change_nothing,
    smuggled_and_slow_requests_harm_nobody,
};
use identities::{
    a_path_may_have_a_user_of_its_own, credentials_in_the_query_count_where_they_may,
    permissions_are_the_users, streams_of_one_user_are_bounded,
};
use one_port::{all_come_in_by_one_port, words_cut_anywhere_are_understood};
use page::{the_page_holds_before_other_servers, what_the_page_says_is_so};
use questions::{
    a_bucket_is_watched, a_consumer_begins_again_at_a_time, a_server_that_is_about_to_end_says_so,
    a_ticket_stands_for_credentials_once, of_a_flood_a_sample_is_told, what_would_be_done_is_explained,
};
use services::services_are_found_and_called;
use streams::{a_page_that_comes_back_misses_nothing, streams_are_made_read_and_consumed};

use test_kit::{ANSWER_DEADLINE, Server, ServerOptions, Setup, on_every_setup};

const BLOCK: &str = "http_api { listen: \"127.0.0.1:-1\" }\n";

fn start(setup: Setup, config: &str) -> (Server, SocketAddr) {
    let options = ServerOptions { setup, config: Some(config.to_owned()), ..ServerOptions::default() };
    let server = Server::start(options).expect("the server starts");
    let address = address(&server);
    (server, address)
}

fn start_with_streams(setup: Setup) -> (Server, SocketAddr) {
    let options = ServerOptions {
        setup,
        config: Some(BLOCK.to_owned()),
        has_streams: true,
        ..ServerOptions::default()
    };
    let server = Server::start(options).expect("the server starts");
    let address = address(&server);
    (server, address)
}

/// Where the API is, as the log says it.
fn address(server: &Server) -> SocketAddr {
    let line = server.log().wait_for("Listening for HTTP clients on http://", ANSWER_DEADLINE);
    let line = line.unwrap_or_else(|| panic!("{}", server.log().text()));
    line.rsplit_once("://").expect("a URL").1.trim().parse().expect("an address")
}

on_every_setup!(
    what_is_published_arrives,
    requests_are_answered,
    lists_wait_for_what_comes,
    events_and_lines_come_as_they_are_published,
    a_batch_has_a_line_for_each,
    what_is_wrong_is_told,
    a_server_that_ends_says_so,
    pages_of_other_sites_change_nothing,
    names_that_point_here_are_refused,
    smuggled_and_slow_requests_harm_nobody,
    permissions_are_the_users,
    a_path_may_have_a_user_of_its_own,
    credentials_in_the_query_count_where_they_may,
    streams_of_one_user_are_bounded,
    services_are_found_and_called,
    streams_are_made_read_and_consumed,
    a_page_that_comes_back_misses_nothing,
    what_the_page_says_is_so,
    what_would_be_done_is_explained,
    a_consumer_begins_again_at_a_time,
    a_bucket_is_watched,
    a_ticket_stands_for_credentials_once,
    of_a_flood_a_sample_is_told,
    a_server_that_is_about_to_end_says_so,
    all_come_in_by_one_port,
    words_cut_anywhere_are_understood,
    the_page_holds_before_other_servers,
);
