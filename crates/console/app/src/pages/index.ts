// All pages, in the order of the list.
import type { ComponentType } from "preact";
import { later } from "../later";
import { Accounts } from "./accounts";
import { Cluster } from "./cluster";
import { Config } from "./config";
import { Connections } from "./connections";
import { Consumers } from "./consumers";
import { Overview } from "./overview";
import { Shards } from "./shards";
import { Streams } from "./streams";
import { Subjects } from "./subjects";
import { Trouble } from "./trouble";

export interface Page {
    name: string;
    title: string;
    group: string;
    // Behind `g`.
    key: string;
    view: ComponentType;
}

const page = (group: string, name: string, title: string, key: string, view: ComponentType): Page => ({ group, name, title, key, view });

export const PAGES: Page[] = [
    page("", "overview", "Overview", "o", Overview),
    page("", "trouble", "Trouble", "t", Trouble),
    page("Messaging", "connections", "Connections", "c", Connections),
    page("Messaging", "subjects", "Subjects", "s", Subjects),
    page("Messaging", "accounts", "Accounts", "a", Accounts),
    page("JetStream", "streams", "Streams", "j", Streams),
    page("JetStream", "consumers", "Consumers", "k", Consumers),
    page("Server", "shards", "Shards", "h", Shards),
    page("Server", "cluster", "Cluster", "l", Cluster),
    page("Server", "config", "Config", "f", Config),
    page("Try", "playground", "Playground", "p", later(() => import("../playground/playground"))),
];
