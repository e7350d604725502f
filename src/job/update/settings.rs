//! Settings that an output was made with beside those of a run, by the names of their flags.

use serde_json::Value;

/// Fields of a spec whose flag has another name.
const FLAGS: [(&str, &str); 6] = [
    ("by", "--split-by"),
    ("filter", "--where"),
    ("null_tokens", "--null"),
    ("record_bytes_max", "--max-record"),
    ("hive", "--no-hive"),
    ("header", "--no-header"),
];

/// Every setting that differs, with what it was and what it is.
pub(super) fn differences(recorded: &Value, now: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", recorded, now, &mut found);
    found
}

fn compare(name: &str, recorded: &Value, now: &Value, found: &mut Vec<String>) {
    if recorded == now {
        return;
    }
    let is_group = name.is_empty()
        || ["input", "dialect", "split", "columns", "fit", "output"].contains(&name);
    if let (true, Value::Object(before), Value::Object(after)) = (is_group, recorded, now) {
        let names = before
            .keys()
            .chain(after.keys().filter(|name| !before.contains_key(*name)));
        for name in names {
            let value = |fields: &serde_json::Map<String, Value>| {
                fields.get(name).cloned().unwrap_or_default()
            };
            compare(name, &value(before), &value(after), found);
        }
        return;
    }
    found.push(format!(
        "{} {}, now {}",
        flag(name),
        shown(recorded),
        shown(now)
    ));
}

fn flag(name: &str) -> String {
    let named = FLAGS.iter().find(|(field, _)| *field == name);
    named.map_or_else(
        || format!("--{}", name.replace('_', "-")),
        |(_, flag)| (*flag).to_owned(),
    )
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::differences;

    #[test]
    fn settings_that_differ_are_named_by_their_flags() {
        let before = json!({"split": {"by": "row", "seed": 42}, "columns": {"label": []}, "output": {"dtype": "float64"}});
        let now = json!({"split": {"by": {"group": ["user"]}, "seed": 42, "sample": "0.1"}, "columns": {"label": ["y"]}, "output": {"dtype": "float64"}});
        let mut found = differences(&before, &now);
        found.sort_unstable();
        let expected = [
            "--label [], now [\"y\"]",
            "--sample none, now 0.1",
            "--split-by row, now {\"group\":[\"user\"]}",
        ];
        assert_eq!(found, expected);
        assert!(differences(&now, &now).is_empty());
    }
}
