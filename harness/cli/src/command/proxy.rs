//! `mqspec proxy`: the fault layer and the always-on checks between any client and any broker.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::{fs, io};

use mqspec_conformance::check;
use mqspec_conformance::plan::Fault;
use mqspec_conformance::scenario::load_faults;
use mqspec_conformance::statement::Catalogue;
use mqspec_conformance::trace::lanes::{self, Detail};
use mqspec_conformance::trace::{Trace, What};
use mqspec_conformance::verdict::{Finding, Gravity};
use mqspec_run::proxy::{self, Settings};
use tokio::net::TcpListener;

use crate::arguments::ProxyArguments;
use crate::failure::{Conclusion, Failure};
use crate::interrupt::interrupted;
use crate::output::expect_writable;
use crate::paint::Paint;
use crate::report::failure;
use crate::text;

/// Passes on what clients and the broker say until Ctrl-C or SIGTERM; prints what passes as it passes, and in
/// the end what the broker did wrong.
///
/// # Errors
///
/// [`Failure::Input`]: an address or a faults file that cannot be used. [`Failure::Environment`]: a port that
/// cannot be had, a trace file that cannot be written.
pub fn run(arguments: &ProxyArguments, paint: Paint, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    let listen = address(&arguments.listen)?;
    if !is_host_and_port(&arguments.to) {
        return Err(Failure::Input(miette::miette!(
            help = "for example --to 127.0.0.1:1883 or --to [::1]:1883, without a scheme",
            "`{}` is not a host and a port",
            arguments.to
        )));
    }
    if let Some(file) = &arguments.trace {
        expect_writable(file)?;
    }
    let settings = Settings {
        to: arguments.to.clone(),
        spec: arguments.spec,
        seed: arguments.seed.0,
        faults: faults(arguments)?,
    };
    let detail = Detail { bytes: !arguments.no_bytes, steps: true };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut written = Ok(());
    let trace = tokio::task::LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind(listen).await?;
        let interrupted = interrupted();
        writeln!(out, "{} on {}, to {}", arguments.spec, listener.local_addr()?, settings.to)?;
        out.flush()?;
        let tell = |trace: &Trace, first: usize| {
            let news = trace.events.get(first..).unwrap_or_default();
            if written.is_ok() && !arguments.quiet && !news.is_empty() {
                written = write!(out, "{}", lanes::render(trace, news, detail)).and_then(|()| out.flush());
            }
        };
        proxy::serve(listener, settings, tell, interrupted).await
    });
    let trace = trace.map_err(|error: io::Error| {
        Failure::Environment(miette::miette!("the proxy cannot listen on {listen}: {error}"))
    })?;
    written?;
    if let Some(file) = &arguments.trace {
        let text = lanes::render(&trace, &trace.events, Detail { bytes: true, steps: true });
        fs::write(file, text).map_err(|error| {
            Failure::Environment(miette::miette!("{} cannot be written: {error}", file.display()))
        })?;
    }
    conclude(&trace, arguments, paint, out)
}

/// What the broker did wrong, and one line that sums up.
fn conclude(
    trace: &Trace,
    arguments: &ProxyArguments,
    paint: Paint,
    out: &mut dyn Write,
) -> Result<Conclusion, Failure> {
    let findings = check::always_on(trace);
    for finding in &findings {
        writeln!(out, "\n{}", failure::render_finding(finding, "", Catalogue::load(), paint))?;
        if let Some(event) = trace.events.iter().find(|event| Some(event.sequence) == finding.event) {
            write!(out, "{}", lanes::render_event(trace, event, Detail { bytes: true, steps: false }))?;
        }
    }
    let count = |counts: fn(&What) -> bool| trace.events.iter().filter(|event| counts(&event.what)).count();
    let packets = count(|what| matches!(what, What::Sent { .. } | What::Received { .. }));
    let struck = count(|what| matches!(what, What::Fault { actor: Some(_), .. }));
    let unreached = count(|what| matches!(what, What::OpenFailed { .. }));
    writeln!(
        out,
        "{}, {}, {}, {} failed, {}",
        text::count(trace.actors.len(), "connection"),
        text::count(packets, "packet"),
        text::count(struck, "strike"),
        text::count(unreached, "connection"),
        text::count(findings.len(), "finding")
    )?;
    let breaks = |finding: &Finding| arguments.strict || finding.gravity == Gravity::Must;
    Ok(if findings.iter().any(breaks) {
        Conclusion::Broken
    } else if unreached > 0 && struck == 0 {
        // No fault kept them away: the broker was not there.
        Conclusion::Undecided
    } else {
        Conclusion::Holds
    })
}

/// `broker.example:1883`, `127.0.0.1:1883` or `[::1]:1883`.
fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let plain = !host.is_empty() && !host.contains([':', '/', '@']);
        (bracketed || plain) && port.parse::<u16>().is_ok_and(|port| port != 0)
    })
}

/// `1884`, or `127.0.0.1:1884`.
fn address(text: &str) -> Result<SocketAddr, Failure> {
    let port = text.parse().ok().map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    port.or_else(|| text.parse().ok()).ok_or_else(|| {
        Failure::Input(miette::miette!(
            help = "a port (--listen 1884), or an address and a port (--listen 0.0.0.0:1884)",
            "the proxy cannot listen on `{text}`"
        ))
    })
}

fn faults(arguments: &ProxyArguments) -> Result<Vec<Fault>, Failure> {
    let Some(file) = &arguments.faults else { return Ok(Vec::new()) };
    let path = file.display().to_string();
    let text = text::read(file)
        .map_err(|error| Failure::Input(miette::miette!("{path} cannot be read: {error}")))?;
    load_faults(&path, &text, arguments.spec).map_err(Failure::input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broker_is_a_host_and_a_port_and_nothing_else() {
        for right in ["127.0.0.1:1883", "localhost:1883", "[::1]:1883"] {
            assert!(is_host_and_port(right), "{right}");
        }
        for wrong in
            ["127.0.0.1", "mqtt://127.0.0.1:1883", "::1:1883", "127.0.0.1:0", ":1883", "h:99999", "u@h:1"]
        {
            assert!(!is_host_and_port(wrong), "{wrong}");
        }
    }
}
