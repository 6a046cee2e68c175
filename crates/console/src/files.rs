//! The files of `dist/`, one a line; made by `cargo xtask console`.

use crate::file::{File, headers};

#[rustfmt::skip]
pub(crate) static FILES: [File; 10] = [
    File { name: "chunk-EPUN56GQ.js", content_type: "text/javascript; charset=utf-8", tag: "\"0fbe0b619c0dbe77\"", packed: include_bytes!("../dist/chunk-EPUN56GQ.js.gz"), headers: headers!(kept, "\"0fbe0b619c0dbe77\"") },
    File { name: "chunk-MT5B2ZID.js", content_type: "text/javascript; charset=utf-8", tag: "\"979e58b6b6321ec1\"", packed: include_bytes!("../dist/chunk-MT5B2ZID.js.gz"), headers: headers!(kept, "\"979e58b6b6321ec1\"") },
    File { name: "chunk-THFUIYA3.js", content_type: "text/javascript; charset=utf-8", tag: "\"76d3d4182ef3f16f\"", packed: include_bytes!("../dist/chunk-THFUIYA3.js.gz"), headers: headers!(kept, "\"76d3d4182ef3f16f\"") },
    File { name: "icon-adb7508e.svg", content_type: "image/svg+xml", tag: "\"adb7508ecd33a3fd\"", packed: include_bytes!("../dist/icon-adb7508e.svg.gz"), headers: headers!(kept, "\"adb7508ecd33a3fd\"") },
    File { name: "index.html", content_type: "text/html; charset=utf-8", tag: "\"c08337a4c993fa3e\"", packed: include_bytes!("../dist/index.html.gz"), headers: headers!(asked_for, "\"c08337a4c993fa3e\"") },
    File { name: "licences.txt", content_type: "text/plain; charset=utf-8", tag: "\"d32b00b054ee94c8\"", packed: include_bytes!("../dist/licences.txt.gz"), headers: headers!(asked_for, "\"d32b00b054ee94c8\"") },
    File { name: "main-2IESTAJN.js", content_type: "text/javascript; charset=utf-8", tag: "\"6a4b666d10fce4b8\"", packed: include_bytes!("../dist/main-2IESTAJN.js.gz"), headers: headers!(kept, "\"6a4b666d10fce4b8\"") },
    File { name: "main-A66HDTNJ.css", content_type: "text/css; charset=utf-8", tag: "\"8850a02672c65b5c\"", packed: include_bytes!("../dist/main-A66HDTNJ.css.gz"), headers: headers!(kept, "\"8850a02672c65b5c\"") },
    File { name: "playground-FA6ZVNBG.js", content_type: "text/javascript; charset=utf-8", tag: "\"5d35ac9d3da53500\"", packed: include_bytes!("../dist/playground-FA6ZVNBG.js.gz"), headers: headers!(kept, "\"5d35ac9d3da53500\"") },
    File { name: "plot-5TXAJR3O.js", content_type: "text/javascript; charset=utf-8", tag: "\"0a61438351590154\"", packed: include_bytes!("../dist/plot-5TXAJR3O.js.gz"), headers: headers!(kept, "\"0a61438351590154\"") },
];
