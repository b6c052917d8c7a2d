//! What lies in a folder, as the script lists it.

use std::collections::BTreeMap;

use crate::facts::FolderItem;

/// `kind<tab>package<tab>name` lines.
pub(crate) fn items(text: &str) -> Result<BTreeMap<String, FolderItem>, String> {
    text.lines()
        .map(|line| {
            let mut fields = line.splitn(3, '\t');
            let (Some(kind), Some(package), Some(name)) = (fields.next(), fields.next(), fields.next()) else {
                return Err(format!("folder: {line:?} is no entry"));
            };
            let item = FolderItem {
                kind: kind.to_owned(),
                package: (!package.is_empty()).then(|| package.to_owned()),
            };
            Ok((name.to_owned(), item))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MODULES: &str = include_str!("../../../tests/fixtures/facts/folder");

    #[test]
    fn what_a_package_brought_is_told_from_what_somebody_put_there() {
        let items = items(MODULES).unwrap();
        assert_eq!(items["70-mod-stream-geoip2.conf"].kind, "link");
        assert_eq!(
            items["70-mod-stream-geoip2.conf"].package.as_deref(),
            Some("libnginx-mod-stream-geoip2")
        );
        assert_eq!(items["99 x.conf"].package, None);
    }

    #[test]
    fn a_line_of_another_shape_is_no_entry() {
        assert!(items("file\tname").is_err());
        assert_eq!(items("").unwrap().len(), 0);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in "((file|dir|link)?(.|\t|\n)){0,80}") {
            if let Ok(all) = items(&text) {
                prop_assert!(all.len() <= text.lines().count());
            }
        }
    }
}
