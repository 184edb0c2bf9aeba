//! The ids of the statements that this codec can find broken. A test looks each of them up.

macro_rules! statements {
    ($($name:ident = $id:literal;)*) => {
        $(pub(super) const $name: &str = $id;)*
        /// Every id, for the test that looks them up.
        #[cfg(test)]
        pub(super) const ALL: &[&str] = &[$($id),*];
    };
}

statements! {
    HEADER_LITERAL = "amqp-0-9-1/AMQP-4.2.1-header-literal";
    FRAME_END = "amqp-0-9-1/AMQP-4.2.3-frame-end";
    FRAME_TYPE = "amqp-0-9-1/AMQP-4.2.3-unknown-type";
    FRAME_MAX = "amqp-0-9-1/AMQP-4.2.3-frame-max-sender";
    CONNECTION_CHANNEL = "amqp-0-9-1/AMQP-4.2.3-connection-channel-zero";
    CHANNEL_ZERO = "amqp-0-9-1/AMQP-4.2.3-channel-zero-global";
    CONTENT_CHANNEL = "amqp-0-9-1/AMQP-4.2.6.1-channel-nonzero";
    HEARTBEAT_CHANNEL = "amqp-0-9-1/AMQP-4.2.7-heartbeat-channel";
    HEARTBEAT_PAYLOAD = "amqp-0-9-1/AMQP-4.2.7-invalid-heartbeat";

    METHOD_PAYLOAD = "amqp-0-9-1/AMQP-4.2.4-method-payload";
    IDS_NONZERO = "amqp-0-9-1/AMQP-4.2.1-class-method-nonzero";
    UNKNOWN_METHOD = "amqp-0-9-1/AMQP-4.2.4-unknown-method";
    SERVER_ONLY = "amqp-0-9-1/AMQP-4.2.4-server-only-method";
    CLIENT_ONLY = "amqp-0-9-1/MQSPEC-4.2.4-client-only-method";
    ARGUMENTS = "amqp-0-9-1/AMQP-4.2.4-arguments-exact";
    UNUSED_BITS = "amqp-0-9-1/MQSPEC-4.2.5.2-unused-bits";
    SHORT_STRING = "amqp-0-9-1/AMQP-4.2.5.3-shortstr";
    SHORT_STRING_NUL = "amqp-0-9-1/AMQP-4.2.1-shortstr-no-nul";

    TABLE_LAYOUT = "amqp-0-9-1/AMQP-4.2.5.5-table-layout";
    TABLE_DEPTH = "amqp-0-9-1/MQSPEC-4.2.5.5-nesting";
    FIELD_NAME = "amqp-0-9-1/AMQP-4.2.5.5-field-name-form";
    DUPLICATE_FIELD = "amqp-0-9-1/AMQP-4.2.5.5-duplicate-fields";
    FIELD_TYPE = "amqp-0-9-1/AMQP-4.2.1-field-types";
    FIELD_DIALECT = "rabbitmq/RMQ-table-types";
    ARRAY_LAYOUT = "amqp-0-9-1/AMQP-4.2.1-field-array";
    BOOLEAN = "amqp-0-9-1/MQSPEC-4.2.1-boolean-octet";

    CONTENT_FORM = "amqp-0-9-1/AMQP-4.2.6-malformed-content";
    CONTENT_CLASS = "amqp-0-9-1/AMQP-4.2.6.1-class-match";
    CONTENT_WEIGHT = "amqp-0-9-1/AMQP-4.2.6.1-weight-zero";
    FLAG_WORDS = "amqp-0-9-1/AMQP-4.2.1-property-flags-continuation";
    FLAG_UNDEFINED = "amqp-0-9-1/MQSPEC-4.2.6.1-undefined-flag";
    CONTENT_ORDER = "amqp-0-9-1/AMQP-4.2.6-content-order";
    CONTENT_MIXED = "amqp-0-9-1/AMQP-4.2.6-no-mixing";
    BODY_OVERRUN = "amqp-0-9-1/AMQP-4.2.6.1-body-overrun";

    RESERVED = "amqp-0-9-1/MQSPEC-ref-1-reserved-fields";
    EXCHANGE_NAME = "amqp-0-9-1/AMQP-exchange-name-length";
    DECLARE_NAME = "amqp-0-9-1/AMQP-exchange.declare.exchange-notnull";
    DELETE_NAME = "amqp-0-9-1/AMQP-exchange.delete.exchange-notnull";
    QUEUE_NAME = "amqp-0-9-1/AMQP-queue-name-length";
    PATH = "amqp-0-9-1/AMQP-path-length";
    REPLY_CODE = "amqp-0-9-1/AMQP-reply-code-present";
    REPLY_CODE_FORMAT = "amqp-0-9-1/AMQP-4.8.2-reply-code-format";
    REPLY_TEXT = "amqp-0-9-1/AMQP-reply-text-present";
    DELIVERY_TAG = "amqp-0-9-1/AMQP-delivery-tag-non-zero";
    CONFIRM_TAG = "rabbitmq/RMQ-confirm-sequence-from-one";
    VERSION = "amqp-0-9-1/AMQP-connection.start.version";
    MECHANISMS = "amqp-0-9-1/AMQP-connection.start.mechanisms-present";
    LOCALES = "amqp-0-9-1/AMQP-connection.start.locales-required-support";
    TUNE_FRAME_MAX = "amqp-0-9-1/AMQP-connection.tune.frame-max-minimum";
    TUNE_OK_FRAME_MAX = "amqp-0-9-1/AMQP-connection.tune-ok.frame-max-minimum";
    CANCEL_NO_WAIT = "rabbitmq/RMQ-ccn-nowait-set";
    DELIVERY_MODE = "amqp-0-9-1/AMQP-basic.delivery-mode-values";
    PRIORITY = "amqp-0-9-1/AMQP-basic.priority-range";
    CLUSTER_ID = "amqp-0-9-1/AMQP-basic.reserved-empty";
    EXPIRATION = "rabbitmq/RMQ-ttl-expiration-malformed";
}
