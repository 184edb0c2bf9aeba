//! The layout tables as scenarios, diagnostics and documentation see them.

use std::sync::LazyLock;

use super::layout::{Form, Layout, PACKETS, Part, Version, When};
use super::property::{Form as PropertyForm, PROPERTIES, Property};
use super::varint;
use crate::shape::{FieldShape, PacketShape, Senders, Shape};
use crate::spec::Spec;

static MQTT_311: LazyLock<Vec<PacketShape>> = LazyLock::new(|| packets(Spec::Mqtt311));
static MQTT_50: LazyLock<Vec<PacketShape>> = LazyLock::new(|| packets(Spec::Mqtt50));

/// Every packet of this version in the order of the packet types, and `unknown` for the types that it
/// does not have.
pub fn shapes(spec: Spec) -> &'static [PacketShape] {
    if spec == Spec::Mqtt50 { &MQTT_50 } else { &MQTT_311 }
}

impl Layout {
    /// The packet's shape in this version, where it exists.
    pub(super) fn shape(&self, spec: Spec) -> Option<&'static PacketShape> {
        // Its place is the packet type's, as neither version leaves out one before another.
        let shape = shapes(spec).get(usize::from(self.code).checked_sub(1)?)?;
        (shape.name == self.name).then_some(shape)
    }
}

fn packets(spec: Spec) -> Vec<PacketShape> {
    let known = PACKETS.iter().filter_map(|layout| Some(packet(spec, layout, layout.version(spec)?)));
    known.chain([unknown(spec)]).collect()
}

fn packet(spec: Spec, layout: &Layout, version: &Version) -> PacketShape {
    let mut fields = Vec::new();
    if layout.flags.is_none() {
        fields.extend([
            field("dup", Shape::Bool, false),
            field("qos", Shape::Unsigned(3), false),
            field("retain", Shape::Bool, false),
        ]);
    }
    for part in version.body {
        part_fields(spec, part, &mut fields);
    }
    PacketShape {
        name: layout.name,
        section: layout.section,
        sent_by: version.sent_by,
        replies: layout.replies,
        fields,
    }
}

fn unknown(spec: Spec) -> PacketShape {
    PacketShape {
        name: "unknown",
        section: if spec == Spec::Mqtt50 { "2.1.2" } else { "2.2.1" },
        sent_by: Senders::Both,
        replies: &[],
        fields: vec![
            field("packet_type", Shape::Unsigned(15), true),
            field("flags", Shape::Unsigned(15), true),
            field("body", Shape::Binary, false),
        ],
    }
}

const fn field(name: &'static str, shape: Shape, optional: bool) -> FieldShape {
    FieldShape { name, shape, labels: &[], optional }
}

fn part_fields(spec: Spec, part: &Part, fields: &mut Vec<FieldShape>) {
    // A reason code is always reported, also where the wire leaves it out.
    let optional = !matches!(part.when, When::Always | When::Optional);
    let shape = match part.form {
        Form::Byte => Shape::Unsigned(255),
        Form::TwoBytes | Form::PacketId(..) => Shape::Unsigned(65_535),
        Form::Text(_) => Shape::Text,
        Form::Binary | Form::Payload => Shape::Binary,
        Form::ConnectFlags => {
            fields.extend([
                field("clean_start", Shape::Bool, false),
                field("will_flag", Shape::Bool, false),
                field("will_qos", Shape::Unsigned(3), false),
                field("will_retain", Shape::Bool, false),
                field("user_name_flag", Shape::Bool, false),
                field("password_flag", Shape::Bool, false),
            ]);
            return;
        }
        Form::ConnackFlags => return fields.push(field("session_present", Shape::Bool, false)),
        Form::Code(codes) => {
            let shape = Shape::Unsigned(255);
            return fields.push(FieldShape { name: part.name, shape, labels: codes.labels, optional });
        }
        Form::Codes(codes, _) => {
            let shape = Shape::List(Vec::new());
            return fields.push(FieldShape { name: part.name, shape, labels: codes.labels, optional });
        }
        Form::Properties(section) => {
            let here = PROPERTIES.iter().filter(|property| property.sections & section != 0);
            return fields.extend(here.map(|row| field(row.name_in(section), property(row), true)));
        }
        Form::Subscriptions => Shape::List(subscription(spec)),
        Form::Filters => Shape::List(Vec::new()),
    };
    fields.push(field(part.name, shape, optional));
}

fn subscription(spec: Spec) -> Vec<FieldShape> {
    let mut fields = vec![field("filter", Shape::Text, false), field("qos", Shape::Unsigned(3), false)];
    if spec == Spec::Mqtt50 {
        fields.extend([
            field("no_local", Shape::Bool, false),
            field("retain_as_published", Shape::Bool, false),
            field("retain_handling", Shape::Unsigned(3), false),
        ]);
    }
    fields
}

const fn property(property: &Property) -> Shape {
    match property.form {
        // All of these bytes should be 0 or 1, but a 2 can be sent, and seen.
        PropertyForm::Byte => Shape::Unsigned(255),
        PropertyForm::TwoBytes => Shape::Unsigned(65_535),
        PropertyForm::FourBytes => Shape::Unsigned(u32::MAX as u64),
        PropertyForm::Variable => Shape::Unsigned(varint::MAXIMUM as u64),
        PropertyForm::Text(_) => Shape::Text,
        PropertyForm::Binary => Shape::Binary,
        PropertyForm::Pair => Shape::Table,
    }
}
