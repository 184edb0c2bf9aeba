//! Broken scenarios and what is said about them: `mistakes.txt` is the table.

use mqspec_conformance::scenario::{Diagnostics, load};

const TABLE: &str = include_str!("mistakes.txt");

struct Case {
    name: &'static str,
    text: String,
    /// Lines and columns that the frame puts before the text.
    shift: (usize, usize),
    expected: &'static str,
}

fn cases() -> Vec<Case> {
    TABLE.split("\n=== ").skip(1).map(case).collect()
}

fn case(section: &'static str) -> Case {
    let (name, rest) = section.split_once('\n').expect("a case has a name");
    // The last line of dashes; the text may have one itself.
    let (text, expected) = match rest.rfind("\n---\n") {
        Some(at) => (&rest[..=at], &rest[at + 5..]),
        None => ("", rest.strip_prefix("---\n").expect("a case has its problems below ---")),
    };
    let (frame, _) = name.split_once(": ").expect("a case names its frame");
    let protocols = match frame {
        "file" => {
            return Case { name, text: text.to_owned(), shift: (0, 0), expected: expected.trim_end() };
        }
        "mqtt" => "mqtt-3.1.1, mqtt-5.0",
        "mqtt5" => "mqtt-5.0",
        "amqp" => "amqp-0-9-1",
        other => panic!("{name}: there is no frame {other}"),
    };
    // Both actors do something in the end, so that no case is about unused ones.
    let steps = text.lines().fold(String::new(), |steps, line| steps + "  " + line + "\n");
    let text = format!(
        "title: t\nprotocols: [{protocols}]\nstatements: []\nactors: [alice, bob]\nsteps:\n{steps}  \
         - alice: {{ close: {{}} }}\n  - bob: {{ close: {{}} }}\n"
    );
    Case { name, text, shift: (5, 2), expected: expected.trim_end() }
}

fn shown(diagnostics: &Diagnostics, (lines, columns): (usize, usize)) -> String {
    let mut shown = Vec::new();
    for problem in &diagnostics.problems {
        let (line, column) = diagnostics.position(problem);
        shown.push(format!("{}:{} {}", line - lines, column - columns, problem.message));
        shown.extend(problem.label.iter().map(|label| format!("    label: {label}")));
        for (span, label) in &problem.related {
            let (line, column) = diagnostics.position_of(span.start);
            shown.push(format!("    at {}:{}: {label}", line - lines, column - columns));
        }
        shown.extend(problem.help.iter().map(|help| format!("    help: {help}")));
    }
    shown.join("\n")
}

#[test]
fn every_mistake_is_reported_where_it_is() {
    let cases = cases();
    assert!(cases.len() >= 50, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let actual = match load("mistake.yaml", &case.text) {
            Ok(_) => String::from("(loads)"),
            Err(diagnostics) => shown(&diagnostics, case.shift),
        };
        if actual != case.expected {
            wrong.push(format!("=== {}\n--- expected\n{}\n--- actual\n{actual}\n", case.name, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
