//! The files of `dist/`, one a line; made by `cargo xtask console`.

use crate::file::{File, headers};

#[rustfmt::skip]
pub(crate) static FILES: [File; 25] = [
    File { name: "buckets-UJK5I2FQ.js", content_type: "text/javascript; charset=utf-8", tag: "\"aa2e6b2b79b3f2e5\"", packed: include_bytes!("../dist/buckets-UJK5I2FQ.js.gz"), headers: headers!(kept, "\"aa2e6b2b79b3f2e5\"") },
    File { name: "chunk-2KORXUKM.js", content_type: "text/javascript; charset=utf-8", tag: "\"520801485ef83a74\"", packed: include_bytes!("../dist/chunk-2KORXUKM.js.gz"), headers: headers!(kept, "\"520801485ef83a74\"") },
    File { name: "chunk-3B4JIA3L.js", content_type: "text/javascript; charset=utf-8", tag: "\"662e7099dbf725af\"", packed: include_bytes!("../dist/chunk-3B4JIA3L.js.gz"), headers: headers!(kept, "\"662e7099dbf725af\"") },
    File { name: "chunk-4AP54O54.js", content_type: "text/javascript; charset=utf-8", tag: "\"37990ddf46af0dd7\"", packed: include_bytes!("../dist/chunk-4AP54O54.js.gz"), headers: headers!(kept, "\"37990ddf46af0dd7\"") },
    File { name: "chunk-AXI2X6EI.js", content_type: "text/javascript; charset=utf-8", tag: "\"33cb40b86e55da75\"", packed: include_bytes!("../dist/chunk-AXI2X6EI.js.gz"), headers: headers!(kept, "\"33cb40b86e55da75\"") },
    File { name: "chunk-DWXO42KD.js", content_type: "text/javascript; charset=utf-8", tag: "\"070ed8af6e5a33e3\"", packed: include_bytes!("../dist/chunk-DWXO42KD.js.gz"), headers: headers!(kept, "\"070ed8af6e5a33e3\"") },
    File { name: "chunk-KDZMELBN.js", content_type: "text/javascript; charset=utf-8", tag: "\"87b516e8ea1ce887\"", packed: include_bytes!("../dist/chunk-KDZMELBN.js.gz"), headers: headers!(kept, "\"87b516e8ea1ce887\"") },
    File { name: "chunk-M3QW3DTK.js", content_type: "text/javascript; charset=utf-8", tag: "\"27bf673f29e11e29\"", packed: include_bytes!("../dist/chunk-M3QW3DTK.js.gz"), headers: headers!(kept, "\"27bf673f29e11e29\"") },
    File { name: "chunk-MCE4GQT6.js", content_type: "text/javascript; charset=utf-8", tag: "\"9ac9bf5606bbb293\"", packed: include_bytes!("../dist/chunk-MCE4GQT6.js.gz"), headers: headers!(kept, "\"9ac9bf5606bbb293\"") },
    File { name: "chunk-UTBS6XDS.js", content_type: "text/javascript; charset=utf-8", tag: "\"d656781d212c3504\"", packed: include_bytes!("../dist/chunk-UTBS6XDS.js.gz"), headers: headers!(kept, "\"d656781d212c3504\"") },
    File { name: "chunk-WIS2STBC.js", content_type: "text/javascript; charset=utf-8", tag: "\"157ea9347015dc6b\"", packed: include_bytes!("../dist/chunk-WIS2STBC.js.gz"), headers: headers!(kept, "\"157ea9347015dc6b\"") },
    File { name: "chunk-XZTIPHTE.js", content_type: "text/javascript; charset=utf-8", tag: "\"ef5fa319e9dc891e\"", packed: include_bytes!("../dist/chunk-XZTIPHTE.js.gz"), headers: headers!(kept, "\"ef5fa319e9dc891e\"") },
    File { name: "groups-GTHE3ILP.js", content_type: "text/javascript; charset=utf-8", tag: "\"e6af9b852700c3b3\"", packed: include_bytes!("../dist/groups-GTHE3ILP.js.gz"), headers: headers!(kept, "\"e6af9b852700c3b3\"") },
    File { name: "icon-adb7508e.svg", content_type: "image/svg+xml", tag: "\"adb7508ecd33a3fd\"", packed: include_bytes!("../dist/icon-adb7508e.svg.gz"), headers: headers!(kept, "\"adb7508ecd33a3fd\"") },
    File { name: "index.html", content_type: "text/html; charset=utf-8", tag: "\"4172b507dcb30be6\"", packed: include_bytes!("../dist/index.html.gz"), headers: headers!(asked_for, "\"4172b507dcb30be6\"") },
    File { name: "licences.txt", content_type: "text/plain; charset=utf-8", tag: "\"d32b00b054ee94c8\"", packed: include_bytes!("../dist/licences.txt.gz"), headers: headers!(asked_for, "\"d32b00b054ee94c8\"") },
    File { name: "main-M46WUBOK.js", content_type: "text/javascript; charset=utf-8", tag: "\"0095d674b84ef202\"", packed: include_bytes!("../dist/main-M46WUBOK.js.gz"), headers: headers!(kept, "\"0095d674b84ef202\"") },
    File { name: "main-WKDAPV7L.css", content_type: "text/css; charset=utf-8", tag: "\"4c4ed56dfd229aa1\"", packed: include_bytes!("../dist/main-WKDAPV7L.css.gz"), headers: headers!(kept, "\"4c4ed56dfd229aa1\"") },
    File { name: "manage-MZ4ZSBKL.js", content_type: "text/javascript; charset=utf-8", tag: "\"912cd2282841cb9e\"", packed: include_bytes!("../dist/manage-MZ4ZSBKL.js.gz"), headers: headers!(kept, "\"912cd2282841cb9e\"") },
    File { name: "messages-6DI6UW3G.js", content_type: "text/javascript; charset=utf-8", tag: "\"0cc8063e817d5d67\"", packed: include_bytes!("../dist/messages-6DI6UW3G.js.gz"), headers: headers!(kept, "\"0cc8063e817d5d67\"") },
    File { name: "objects-27KE7ZYD.js", content_type: "text/javascript; charset=utf-8", tag: "\"bf9a9b1e76423d60\"", packed: include_bytes!("../dist/objects-27KE7ZYD.js.gz"), headers: headers!(kept, "\"bf9a9b1e76423d60\"") },
    File { name: "playground-LW7PGR3N.js", content_type: "text/javascript; charset=utf-8", tag: "\"68f6c7d27e6ea406\"", packed: include_bytes!("../dist/playground-LW7PGR3N.js.gz"), headers: headers!(kept, "\"68f6c7d27e6ea406\"") },
    File { name: "plot-CIJKMVTK.js", content_type: "text/javascript; charset=utf-8", tag: "\"0ab4b541a4e0be50\"", packed: include_bytes!("../dist/plot-CIJKMVTK.js.gz"), headers: headers!(kept, "\"0ab4b541a4e0be50\"") },
    File { name: "servers-RXVGZAJN.js", content_type: "text/javascript; charset=utf-8", tag: "\"dc57b5b74b2957be\"", packed: include_bytes!("../dist/servers-RXVGZAJN.js.gz"), headers: headers!(kept, "\"dc57b5b74b2957be\"") },
    File { name: "services-73RIDSPE.js", content_type: "text/javascript; charset=utf-8", tag: "\"312ee9871e61d7e8\"", packed: include_bytes!("../dist/services-73RIDSPE.js.gz"), headers: headers!(kept, "\"312ee9871e61d7e8\"") },
];
