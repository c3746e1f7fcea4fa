SELECT name AS role, cardinality(permissions) AS permissions
FROM roles
