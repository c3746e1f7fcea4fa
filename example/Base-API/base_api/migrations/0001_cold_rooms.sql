CREATE TABLE roles (
  name text PRIMARY KEY,
  permissions text[] NOT NULL
);

CREATE TABLE cold_rooms (
  name text PRIMARY KEY,
  country text NOT NULL,
  capacity_kg integer NOT NULL
);

INSERT INTO cold_rooms VALUES
  ('Gaya', 'India', 5000),
  ('Jos', 'Nigeria', 3500),
  ('Nashik', 'India', 6000);
