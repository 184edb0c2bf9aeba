//! A server's method in one short line, read by hand from its octets.

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn number(&mut self, octets: usize) -> u64 {
        let (taken, rest) = self.0.split_at_checked(octets).expect("long enough");
        self.0 = rest;
        taken.iter().fold(0, |all, octet| all << 8 | u64::from(*octet))
    }

    fn short(&mut self) -> String {
        let length = usize::try_from(self.number(1)).expect("small");
        let (taken, rest) = self.0.split_at_checked(length).expect("long enough");
        self.0 = rest;
        String::from_utf8_lossy(taken).into_owned()
    }
}

/// Name and the arguments that tests look at.
pub(crate) fn method(payload: &[u8]) -> String {
    let mut at = Cursor(payload);
    let id = (at.number(2), at.number(2));
    match id {
        (10, 10) => "connection.start".to_owned(),
        (10, 30) => format!("connection.tune {} {} {}", at.number(2), at.number(4), at.number(2)),
        (10, 41) => "connection.open-ok".to_owned(),
        (10, 50) | (20, 40) => {
            let name = if id.0 == 10 { "connection" } else { "channel" };
            let code = at.number(2);
            let _text = at.short();
            format!("{name}.close {code} {}.{}", at.number(2), at.number(2))
        }
        (10, 51) => "connection.close-ok".to_owned(),
        (10, 60) => "connection.blocked".to_owned(),
        (10, 61) => "connection.unblocked".to_owned(),
        (10, 71) => "connection.update-secret-ok".to_owned(),
        (20, 11) => "channel.open-ok".to_owned(),
        (20, 21) => format!("channel.flow-ok {}", at.number(1)),
        (20, 41) => "channel.close-ok".to_owned(),
        (30, 11) => "access.request-ok".to_owned(),
        (40, 11) => "exchange.declare-ok".to_owned(),
        (40, 21) => "exchange.delete-ok".to_owned(),
        (40, 31) => "exchange.bind-ok".to_owned(),
        (40, 51) => "exchange.unbind-ok".to_owned(),
        (50, 11) => format!("queue.declare-ok {} {} {}", at.short(), at.number(4), at.number(4)),
        (50, 21) => "queue.bind-ok".to_owned(),
        (50, 31) => format!("queue.purge-ok {}", at.number(4)),
        (50, 41) => format!("queue.delete-ok {}", at.number(4)),
        (50, 51) => "queue.unbind-ok".to_owned(),
        (60, 11) => "basic.qos-ok".to_owned(),
        (60, 21) => format!("basic.consume-ok {}", at.short()),
        (60, 30) => format!("basic.cancel {} no-wait={}", at.short(), at.number(1)),
        (60, 31) => format!("basic.cancel-ok {}", at.short()),
        (60, 50) => {
            let (code, _text) = (at.number(2), at.short());
            format!("basic.return {code} [{}] {}", at.short(), at.short())
        }
        (60, 60) => {
            let (tag, delivery_tag, again) = (at.short(), at.number(8), at.number(1));
            format!(
                "basic.deliver {tag} #{delivery_tag}{} [{}] {}",
                again_mark(again),
                at.short(),
                at.short()
            )
        }
        (60, 71) => {
            let (delivery_tag, again) = (at.number(8), at.number(1));
            let (exchange, key) = (at.short(), at.short());
            format!(
                "basic.get-ok #{delivery_tag}{} [{exchange}] {key} left={}",
                again_mark(again),
                at.number(4)
            )
        }
        (60, 72) => "basic.get-empty".to_owned(),
        (60, 80) => format!("basic.ack {}", at.number(8)),
        (60, 111) => "basic.recover-ok".to_owned(),
        (60, 120) => format!("basic.nack {}", at.number(8)),
        (85, 11) => "confirm.select-ok".to_owned(),
        (90, 11) => "tx.select-ok".to_owned(),
        (90, 21) => "tx.commit-ok".to_owned(),
        (90, 31) => "tx.rollback-ok".to_owned(),
        (class, method) => panic!("the server sent {class}.{method}"),
    }
}

fn again_mark(redelivered: u64) -> &'static str {
    if redelivered == 1 { " again" } else { "" }
}
