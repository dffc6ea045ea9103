-- A reference is the prefix of its transaction's kind and 17 characters of Crockford's alphabet.
WITH prefixes (kind, prefix) AS (VALUES {prefixes})
SELECT 'transaction ' || t.id, t.reference, COALESCE(p.prefix, 'the prefix') || ' and 17 characters'
FROM savings_transaction t LEFT JOIN prefixes p ON p.kind = t.kind
WHERE p.prefix IS NULL OR NOT t.reference {form}
ORDER BY t.id
