-- An attempt is one wish to charge a card once. Its key goes to the payment provider with every try, so that
-- the provider knows a repetition when it sees one.
CREATE TABLE payments (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id        bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
    attempt         integer NOT NULL,
    status          text NOT NULL DEFAULT 'started'
                    CHECK (status IN ('started', 'requires action', 'succeeded', 'declined')),
    payment_method  text NOT NULL,
    idempotency_key text NOT NULL UNIQUE,
    provider_id     text UNIQUE,
    redirect_url    text,
    decline_code    text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (order_id, attempt)
);

CREATE TABLE refunds (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id        bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
    amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
    provider_id     text UNIQUE,
    created_at      timestamptz NOT NULL DEFAULT now()
);

-- The provider delivers an event at least once; the key makes that exactly once.
CREATE TABLE provider_events (
    id          text PRIMARY KEY,
    type        text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);
