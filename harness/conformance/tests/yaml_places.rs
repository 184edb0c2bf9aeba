//! Every key and value knows its bytes, in flow and block style, around text of any script.

use mqspec_conformance::scenario::{Kind, Node, parse};

/// The text of every scalar, key and flow collection as its span cuts it out.
fn cut(text: &str, node: &Node, cuts: &mut Vec<String>) {
    let own = text.get(node.span.clone()).expect("a span lies on character borders");
    match &node.kind {
        Kind::List(items) => items.iter().for_each(|item| cut(text, item, cuts)),
        Kind::Map(entries) => {
            for entry in entries {
                let key = text.get(entry.key_span.clone()).expect("a span lies on character borders");
                cuts.push(format!("{key}:"));
                cut(text, &entry.value, cuts);
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) | Kind::Text(_) => {
            cuts.push(own.to_owned());
        }
    }
}

fn cuts(text: &str) -> Vec<String> {
    let mut cuts_out = Vec::new();
    cut(text, &parse(text).expect("YAML"), &mut cuts_out);
    cuts_out
}

#[test]
fn spans_cut_out_what_was_written() {
    let text = "título: \"Grüße 🐇\" # ç\nlist: [ä, 'ö', {ü: 7}]\nblock:\n  - 🐇: x\n  - y z\nlast: $ß\n";
    assert_eq!(
        cuts(text),
        [
            "título:",
            "\"Grüße 🐇\"",
            "list:",
            "ä",
            "'ö'",
            "ü:",
            "7",
            "block:",
            "🐇:",
            "x",
            "y z",
            "last:",
            "$ß"
        ]
    );
}

#[test]
fn spans_of_quoted_text_end_with_its_quote() {
    let text = "a: 'it''s' # c\nb: \"\\\"\\\\\" # c\n'c': \"\"   # c\n";
    assert_eq!(cuts(text), ["a:", "'it''s'", "b:", "\"\\\"\\\\\"", "'c':", "\"\""]);
}

#[test]
fn spans_of_collections_end_with_their_last_value() {
    let text = "a:\n  - b: 1\n    c: [2, 3]\n  - d\n\n# a comment\ne: 5\n";
    let root = parse(text).expect("YAML");
    let list = root.get("a").expect("it is there");
    assert_eq!(text.get(list.span.clone()), Some("- b: 1\n    c: [2, 3]\n  - d"));
    let first = list.as_list().and_then(<[Node]>::first).expect("an item");
    assert_eq!(text.get(first.span.clone()), Some("b: 1\n    c: [2, 3]"));
    let inner = first.get("c").expect("it is there");
    assert_eq!(text.get(inner.span.clone()), Some("[2, 3]"));
}

#[test]
fn an_empty_value_stands_where_its_key_does() {
    let text = "a:\nb: 1\n";
    let root = parse(text).expect("YAML");
    assert_eq!(root.get("a").map(|node| (node.kind.clone(), node.span.clone())), Some((Kind::Null, 0..1)));
}

#[test]
fn scalars_follow_the_core_schema() {
    let text = "[~, null, true, False, 7, -7, 0x8F, 0o17, +5, 1.5, 1e3, .inf, on, yes, 1.2.3, '7', 0b1, 12ab, 2026-11-21]";
    let root = parse(text).expect("YAML");
    let kinds: Vec<_> = root.as_list().expect("a list").iter().map(|node| node.kind.clone()).collect();
    let text = |text: &str| Kind::Text(text.to_owned());
    assert_eq!(
        kinds,
        [
            Kind::Null,
            Kind::Null,
            Kind::Bool(true),
            Kind::Bool(false),
            Kind::Integer(7),
            Kind::Integer(-7),
            Kind::Integer(0x8f),
            Kind::Integer(0o17),
            Kind::Integer(5),
            Kind::Float(1.5),
            Kind::Float(1000.0),
            Kind::Float(f64::INFINITY),
            text("on"),
            text("yes"),
            text("1.2.3"),
            text("7"),
            text("0b1"),
            text("12ab"),
            text("2026-11-21"),
        ]
    );
}

#[test]
fn hostile_files_are_refused_at_the_cost_of_their_bytes() {
    let messages = |text: &str| {
        let problems = parse(text).expect_err("it is refused");
        problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>()
    };
    assert_eq!(messages(&"[".repeat(100)), ["a scenario does not use nesting this deep"]);
    assert_eq!(messages(&"[".repeat(100_000)).len(), 1);
    assert_eq!(
        messages(&"x".repeat((1 << 20) + 1)),
        ["a scenario has at most 1048576 bytes, this has 1048577"]
    );
    // The billion laughs: no alias is ever followed.
    let laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
    assert_eq!(messages(laughs).len(), 6);
}
