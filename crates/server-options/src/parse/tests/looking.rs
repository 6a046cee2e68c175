use super::*;
use crate::invocation::StoreCall;

#[test]
fn fsck_takes_a_directory_and_a_configuration() {
    let call = |command_line| StoreCall { folder: "/a/store".into(), command_line };
    assert_eq!(parse_line(&["fsck", "/a/store"]), Ok(Invocation::CheckStore(call(None))));
    let with_keys = CommandLine::new(Vec::new()).with_config(Some("/a/conf".into()));
    for line in [["fsck", "-c", "/a/conf", "/a/store"], ["fsck", "/a/store", "--config", "/a/conf"]] {
        assert_eq!(parse_line(&line), Ok(Invocation::CheckStore(call(Some(with_keys.clone())))), "{line:?}");
    }
    assert_eq!(parse_line(&["fsck", "--", "-x"]), Err(OptionsError::OneDirectory));
    let expected = "buster-server: fsck takes one directory, which is what store_dir says, and --config";
    for line in [
        &["fsck"][..],
        &["fsck", ""],
        &["fsck", "a", "b"],
        &["-D", "fsck", "a"],
        &["fsck", "a", "-c"],
        &["fsck", "-c", "a"],
    ] {
        assert_eq!(refusal(line), expected, "{line:?}");
    }
    for help in ["-h", "--help"] {
        let Ok(Invocation::PrintHelp(text)) = parse_line(&["fsck", help]) else { panic!("it helps") };
        assert!(text.starts_with("\nUsage: buster-server fsck <dir> [--config <file>]\n"), "{text}");
    }
}
