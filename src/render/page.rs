//! The page's settings as one object: what a browser reads is data, and not lines.

use serde_json::Map;
use serde_json::Value;

use crate::render::settings::Sections;

/// The page's settings as one object: `a.b` is the key `b` of the object `a`.
pub(crate) fn object(sections: &Sections) -> Value {
    let mut root = Map::new();
    for (key, value) in sections.values().flatten().flat_map(|block| &block.settings) {
        insert(&mut root, key, value.clone());
    }
    Value::Object(root)
}

fn insert(object: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            object.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::render::settings::Block;

    #[test]
    fn dotted_keys_become_one_object() {
        let mut sections = Sections::new();
        let settings = json!({ "a.b": 1, "c": [], "a.d": {} });
        let block = Block {
            reason: String::new(),
            settings: settings.as_object().unwrap().clone(),
        };
        sections.insert("whole".to_owned(), vec![block]);
        assert_eq!(object(&sections), json!({ "a": { "b": 1, "d": {} }, "c": [] }));
    }
}
