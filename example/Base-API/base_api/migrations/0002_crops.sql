CREATE TABLE crops (
  name text PRIMARY KEY,
  shelf_life_days integer NOT NULL
);

INSERT INTO cold_rooms VALUES ('Kano', 'Nigeria', 4200);
