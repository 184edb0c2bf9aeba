//! `mqspec explain`: what a statement asks, what is known about it, and who tests it.

use std::io::{self, Write};

use mqspec_conformance::statement::{Actor, Catalogue, Observe, Statement};
use mqspec_wire::Spec;

use crate::failure::{Conclusion, Failure};
use crate::paint::Paint;
use crate::selector::{UnknownSelector, find_statements};
use crate::suite::Trial;

/// Prints every statement that an id or an address means.
///
/// # Errors
///
/// [`Failure::Input`]: it means none; with the nearest that does.
pub fn run(
    subject: &str,
    trials: &[Trial],
    paint: Paint,
    out: &mut dyn Write,
) -> Result<Conclusion, Failure> {
    let catalogue = Catalogue::load();
    let mut statements = find_statements(subject, catalogue);
    if statements.is_empty() {
        // A bare section means that section of every standard.
        let everywhere =
            Spec::ALL.iter().flat_map(|spec| find_statements(&format!("{spec}/{subject}"), catalogue));
        statements = everywhere.collect();
    }
    if statements.is_empty() {
        return Err(Failure::input(unknown(subject, catalogue)));
    }
    for (index, statement) in statements.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_statement(statement, trials, paint, out)?;
    }
    Ok(Conclusion::Holds)
}

fn unknown(subject: &str, catalogue: &Catalogue) -> UnknownSelector {
    let suggestion = catalogue.suggest(None, subject);
    UnknownSelector {
        selector: subject.to_owned(),
        why: "no statement has this id or stands in this section",
        help: Some(suggestion.map_or_else(
            || {
                String::from(
                    "write `MQTT-4.3.3-10`, `mqtt-5.0/MQTT-4.3.3-10`, `mqtt5/4.3.3` or `amqp091/basic.ack`",
                )
            },
            |statement| {
                format!(
                    "did you mean `{}`?",
                    if subject.contains('/') { &statement.full_id } else { statement.id }
                )
            },
        )),
    }
}

fn write_statement(
    statement: &Statement,
    trials: &[Trial],
    paint: Paint,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(
        out,
        "{}  ({}, {} section {})",
        paint.strong(&statement.full_id),
        statement.level,
        statement.standard.title(),
        statement.section
    )?;
    writeln!(out, "  {}", statement.summary)?;
    if !statement.notes.is_empty() {
        writeln!(out, "  notes     {}", statement.notes)?;
    }
    writeln!(out, "  binds     {}", binds(statement.actor))?;
    writeln!(out, "  seen      {}", seen(statement.observe))?;
    let mut claims =
        trials.iter().filter(|trial| trial.plan.statements.contains(&statement.full_id)).peekable();
    if claims.peek().is_none() {
        let nobody =
            if statement.reachable() { paint.unsure("no scenario") } else { String::from("no scenario") };
        writeln!(out, "  claimed   by {nobody}")?;
    }
    for trial in claims {
        writeln!(out, "  claimed   by {}", trial.plan.address)?;
        writeln!(out, "               {}", paint.faint(&trial.plan.title))?;
    }
    Ok(())
}

const fn binds(actor: Actor) -> &'static str {
    match actor {
        Actor::Server => "the broker",
        Actor::Client => "the client",
        Actor::Both => "broker and client",
    }
}

const fn seen(observe: Observe) -> &'static str {
    match observe {
        Observe::Wire => "on the wire, in correct use",
        Observe::WireError => "on the wire, by breaking it and looking at the reaction",
        Observe::Fault => "on the wire, after a lost connection or acknowledgement",
        Observe::Restart => "after a restart of the broker",
        Observe::Config => "on a broker set up for it (authentication, TLS, WebSocket, limits)",
        Observe::Client => "not by testing a broker: it binds clients only",
        Observe::Untestable => "not by any test over the network (the notes say why)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(subject: &str) -> Result<String, Failure> {
        let mut out = Vec::new();
        run(subject, &[], Paint::plain(), &mut out)?;
        Ok(String::from_utf8(out).expect("the text is UTF-8"))
    }

    #[test]
    fn an_id_that_two_versions_have_is_explained_for_both() {
        let text = explained("MQTT-4.3.3-1").expect("it exists");
        assert!(text.contains("mqtt-3.1.1/MQTT-4.3.3-1  (MUST"), "{text}");
        assert!(text.contains("mqtt-5.0/MQTT-4.3.3-1  (MUST, MQTT 5.0 section 4.3.3)"), "{text}");
        assert!(text.contains("claimed   by no scenario"), "{text}");
    }

    #[test]
    fn a_section_is_all_of_its_statements() {
        let text = explained("mqtt5/2.1.3").expect("it exists");
        assert!(text.starts_with("mqtt-5.0/MQTT-2.1.3-1  "), "{text}");
        assert!(explained("basic.ack").expect("it exists").contains("AMQP-basic.ack.multiple-zero"));
    }

    #[test]
    fn a_typo_is_bad_input_with_a_suggestion() {
        let Err(Failure::Input(report)) = explained("MQTT-4.3.3-100") else { panic!("it does not exist") };
        assert_eq!(
            report.help().map(|help| help.to_string()),
            Some(String::from("did you mean `MQTT-4.3.3-10`?"))
        );
    }
}
