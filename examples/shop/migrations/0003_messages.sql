-- Messages are written in the transaction of the change they tell of, and published after it.
CREATE TABLE outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id   uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    type         text NOT NULL,
    key          text NOT NULL,
    payload      jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
);
CREATE INDEX outbox_waiting ON outbox (id) WHERE published_at IS NULL;

-- How far each consumer has read, stored in the transaction of what it did.
CREATE TABLE consumer_offsets (
    consumer    text NOT NULL,
    topic       text NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (consumer, topic, partition)
);

CREATE TABLE handled_messages (
    consumer   text NOT NULL,
    message_id text NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, message_id)
);

CREATE TABLE shipments (
    order_id   bigint PRIMARY KEY REFERENCES orders ON DELETE CASCADE,
    status     text NOT NULL CHECK (status IN ('packed', 'cancelled')),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE receipts (
    order_id   bigint PRIMARY KEY REFERENCES orders ON DELETE CASCADE,
    object_key text NOT NULL,
    mailed_to  text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
