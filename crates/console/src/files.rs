//! The files of `dist/`, one a line; made by `cargo xtask console`.

use crate::file::{File, headers};

#[rustfmt::skip]
pub(crate) static FILES: [File; 10] = [
    File { name: "chunk-EPUN56GQ.js", content_type: "text/javascript; charset=utf-8", tag: "\"0fbe0b619c0dbe77\"", packed: include_bytes!("../dist/chunk-EPUN56GQ.js.gz"), headers: headers!(kept, "\"0fbe0b619c0dbe77\"") },
    File { name: "chunk-QWJJCDT5.js", content_type: "text/javascript; charset=utf-8", tag: "\"40602864e4f155e2\"", packed: include_bytes!("../dist/chunk-QWJJCDT5.js.gz"), headers: headers!(kept, "\"40602864e4f155e2\"") },
    File { name: "chunk-THFUIYA3.js", content_type: "text/javascript; charset=utf-8", tag: "\"76d3d4182ef3f16f\"", packed: include_bytes!("../dist/chunk-THFUIYA3.js.gz"), headers: headers!(kept, "\"76d3d4182ef3f16f\"") },
    File { name: "icon-adb7508e.svg", content_type: "image/svg+xml", tag: "\"adb7508ecd33a3fd\"", packed: include_bytes!("../dist/icon-adb7508e.svg.gz"), headers: headers!(kept, "\"adb7508ecd33a3fd\"") },
    File { name: "index.html", content_type: "text/html; charset=utf-8", tag: "\"1f4b3a46bf28aa4d\"", packed: include_bytes!("../dist/index.html.gz"), headers: headers!(asked_for, "\"1f4b3a46bf28aa4d\"") },
    File { name: "licences.txt", content_type: "text/plain; charset=utf-8", tag: "\"d32b00b054ee94c8\"", packed: include_bytes!("../dist/licences.txt.gz"), headers: headers!(asked_for, "\"d32b00b054ee94c8\"") },
    File { name: "main-DCZFWCH2.css", content_type: "text/css; charset=utf-8", tag: "\"a2b186b24e6d0bc4\"", packed: include_bytes!("../dist/main-DCZFWCH2.css.gz"), headers: headers!(kept, "\"a2b186b24e6d0bc4\"") },
    File { name: "main-RRLKYZVB.js", content_type: "text/javascript; charset=utf-8", tag: "\"812ac6d5e58f82d2\"", packed: include_bytes!("../dist/main-RRLKYZVB.js.gz"), headers: headers!(kept, "\"812ac6d5e58f82d2\"") },
    File { name: "playground-NR4XJ5LH.js", content_type: "text/javascript; charset=utf-8", tag: "\"3458136cab06a9bc\"", packed: include_bytes!("../dist/playground-NR4XJ5LH.js.gz"), headers: headers!(kept, "\"3458136cab06a9bc\"") },
    File { name: "plot-5HQRY6TS.js", content_type: "text/javascript; charset=utf-8", tag: "\"fb150e64d4db489e\"", packed: include_bytes!("../dist/plot-5HQRY6TS.js.gz"), headers: headers!(kept, "\"fb150e64d4db489e\"") },
];
