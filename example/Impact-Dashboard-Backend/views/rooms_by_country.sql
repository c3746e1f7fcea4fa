SELECT country, count(*) AS rooms, sum(capacity_kg) AS capacity_kg
FROM cold_rooms
GROUP BY country
