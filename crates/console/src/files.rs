//! The files of `dist/`, one a line; made by `cargo xtask console`.

use crate::file::{File, headers};

#[rustfmt::skip]
pub(crate) static FILES: [File; 10] = [
    File { name: "chunk-EPUN56GQ.js", content_type: "text/javascript; charset=utf-8", tag: "\"0fbe0b619c0dbe77\"", packed: include_bytes!("../dist/chunk-EPUN56GQ.js.gz"), headers: headers!(kept, "\"0fbe0b619c0dbe77\"") },
    File { name: "chunk-MT5B2ZID.js", content_type: "text/javascript; charset=utf-8", tag: "\"979e58b6b6321ec1\"", packed: include_bytes!("../dist/chunk-MT5B2ZID.js.gz"), headers: headers!(kept, "\"979e58b6b6321ec1\"") },
    File { name: "chunk-THFUIYA3.js", content_type: "text/javascript; charset=utf-8", tag: "\"76d3d4182ef3f16f\"", packed: include_bytes!("../dist/chunk-THFUIYA3.js.gz"), headers: headers!(kept, "\"76d3d4182ef3f16f\"") },
    File { name: "icon-adb7508e.svg", content_type: "image/svg+xml", tag: "\"adb7508ecd33a3fd\"", packed: include_bytes!("../dist/icon-adb7508e.svg.gz"), headers: headers!(kept, "\"adb7508ecd33a3fd\"") },
    File { name: "index.html", content_type: "text/html; charset=utf-8", tag: "\"07ca16cd575cdc2a\"", packed: include_bytes!("../dist/index.html.gz"), headers: headers!(asked_for, "\"07ca16cd575cdc2a\"") },
    File { name: "licences.txt", content_type: "text/plain; charset=utf-8", tag: "\"d32b00b054ee94c8\"", packed: include_bytes!("../dist/licences.txt.gz"), headers: headers!(asked_for, "\"d32b00b054ee94c8\"") },
    File { name: "main-FECAVX4A.css", content_type: "text/css; charset=utf-8", tag: "\"912aab052a553e7a\"", packed: include_bytes!("../dist/main-FECAVX4A.css.gz"), headers: headers!(kept, "\"912aab052a553e7a\"") },
    File { name: "main-Z6ODMDO6.js", content_type: "text/javascript; charset=utf-8", tag: "\"0c71408cfc636c63\"", packed: include_bytes!("../dist/main-Z6ODMDO6.js.gz"), headers: headers!(kept, "\"0c71408cfc636c63\"") },
    File { name: "playground-A4EY2QTS.js", content_type: "text/javascript; charset=utf-8", tag: "\"a526e4ae239fea48\"", packed: include_bytes!("../dist/playground-A4EY2QTS.js.gz"), headers: headers!(kept, "\"a526e4ae239fea48\"") },
    File { name: "plot-5TXAJR3O.js", content_type: "text/javascript; charset=utf-8", tag: "\"0a61438351590154\"", packed: include_bytes!("../dist/plot-5TXAJR3O.js.gz"), headers: headers!(kept, "\"0a61438351590154\"") },
];
