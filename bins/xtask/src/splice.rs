//! Replaces the generated part of a page, which stands between two markers.

/// `text` with `fresh` between `begin` and `end`; `None` if they are not there in this order.
pub(crate) fn splice(text: &str, begin: &str, end: &str, fresh: &str) -> Option<String> {
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{fresh}{end}{after}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Whether a page of the repository has the two markers.
    pub(crate) fn has_place(page: &str, begin: &str, end: &str) -> bool {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        splice(&fs::read_to_string(root.join(page)).unwrap(), begin, end, "").is_some()
    }

    #[test]
    fn splicing_replaces_only_what_is_between_the_markers() {
        let fresh = splice("# Top\n<a>\nold\n<b>\nrest\n", "<a>", "<b>", "new\n").unwrap();
        assert_eq!(fresh, "# Top\n<a>\nnew\n<b>\nrest\n");
        assert_eq!(splice(&fresh, "<a>", "<b>", "new\n").unwrap(), fresh);
    }

    #[test]
    fn missing_or_swapped_markers_are_refused() {
        assert!(splice("no markers", "<a>", "<b>", "t").is_none());
        assert!(splice("<b> then <a>", "<a>", "<b>", "t").is_none());
    }
}
