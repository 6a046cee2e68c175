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
    // It shows what clients say to each other, which the operator may not want.
    isOfMessages: boolean;
}

const page = (group: string, name: string, title: string, key: string, view: ComponentType): Page => ({ group, name, title, key, view, isOfMessages: false });
const ofMessages = (...all: Parameters<typeof page>): Page => ({ ...page(...all), isOfMessages: true });

export const PAGES: Page[] = [
    page("", "overview", "Overview", "o", Overview),
    page("", "trouble", "Trouble", "t", Trouble),
    page("Messaging", "connections", "Connections", "c", Connections),
    page("Messaging", "subjects", "Subjects", "s", Subjects),
    page("Messaging", "accounts", "Accounts", "a", Accounts),
    page("Messaging", "services", "Services", "i", later(() => import("../connected/services"))),
    page("JetStream", "streams", "Streams", "j", Streams),
    page("JetStream", "consumers", "Consumers", "k", Consumers),
    page("JetStream", "groups", "Groups", "g", later(() => import("./groups"))),
    ofMessages("JetStream", "messages", "Messages", "m", later(() => import("../connected/messages"))),
    ofMessages("JetStream", "kv", "Keys and values", "v", later(() => import("../connected/buckets"))),
    ofMessages("JetStream", "objects", "Objects", "b", later(() => import("../connected/objects"))),
    page("Server", "shards", "Shards", "h", Shards),
    page("Server", "cluster", "Cluster", "l", Cluster),
    page("Server", "config", "Config", "f", Config),
    ofMessages("Try", "playground", "Playground", "p", later(() => import("../playground/playground"))),
];
