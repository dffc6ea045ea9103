-- A reference is the prefix of its transaction's kind, then 17 characters of Crockford's alphabet.
SELECT 'transaction ' || t.id, t.reference, 'the prefix of a ' || t.kind || ' and 17 characters'
FROM savings_transaction t
WHERE (t.kind, substr(t.reference, 1, 3)) NOT IN (VALUES {prefixes})
    OR length(t.reference) <> 20 OR substr(t.reference, 4) {has_other_characters}
ORDER BY t.id
