CREATE TABLE products (
    sku text PRIMARY KEY,
    price integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
