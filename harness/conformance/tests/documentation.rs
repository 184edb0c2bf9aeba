//! The examples of docs/SCENARIOS.md load: whole scenarios as they stand, steps within one that has their actors.

use std::path::Path;

use mqspec_conformance::scenario::load;

/// A fenced block: what stands behind the fence's language, the first line's number, the text.
struct Block {
    kind: String,
    line: usize,
    text: String,
}

fn blocks() -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/SCENARIOS.md");
    let document = std::fs::read_to_string(path).expect("docs/SCENARIOS.md can be read");
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (index, line) in document.lines().enumerate() {
        match (inside, line.strip_prefix("```yaml")) {
            (false, Some(kind)) => {
                inside = true;
                blocks.push(Block { kind: kind.trim().to_owned(), line: index + 2, text: String::new() });
            }
            (true, _) if line == "```" => inside = false,
            (true, _) => {
                let block = blocks.last_mut().expect("a block is open");
                block.text.push_str(line);
                block.text.push('\n');
            }
            (false, None) => {}
        }
    }
    blocks
}

/// The actors that steps speak of.
fn actors(steps: &str) -> Vec<&'static str> {
    let named = |name: &str| {
        steps.lines().any(|line| line.contains(&format!("- {name}:")) || line.contains(&format!("[{name}:")))
    };
    ["alice", "bob", "carol"].into_iter().filter(|name| named(name)).collect()
}

fn scenario_of(block: &Block) -> String {
    let protocols = match block.kind.as_str() {
        "" => return block.text.clone(),
        "mqtt" => "mqtt-3.1.1, mqtt-5.0",
        "mqtt5" => "mqtt-5.0",
        "amqp" => "amqp-0-9-1",
        other => panic!("line {}: a block is for mqtt, mqtt5 or amqp, not {other}", block.line),
    };
    let actors = actors(&block.text).join(", ");
    let steps = block.text.lines().fold(String::new(), |steps, line| steps + "  " + line + "\n");
    format!("title: t\nprotocols: [{protocols}]\nstatements: []\nactors: [{actors}]\nsteps:\n{steps}")
}

#[test]
fn every_example_loads() {
    let mut broken = Vec::new();
    let blocks = blocks();
    for block in &blocks {
        let path = format!("docs/SCENARIOS.md-line-{}", block.line);
        if let Err(diagnostics) = load(&path, &scenario_of(block)) {
            broken.push(format!("{:?}", miette::Report::new(diagnostics)));
        }
    }
    assert!(blocks.len() >= 20, "{} examples", blocks.len());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
