INSERT INTO products (sku, price) VALUES ('tea', 450), ('coffee', 700), ('cake', 900);
