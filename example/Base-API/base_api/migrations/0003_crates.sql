CREATE TABLE crates (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cold_room text NOT NULL REFERENCES cold_rooms (name),
  crop text NOT NULL REFERENCES crops (name),
  weight_kg numeric NOT NULL
);

INSERT INTO cold_rooms VALUES ('Bhopal', 'India', 4800);
