-- Each step of a transaction happens at most once.
SELECT 'transaction ' || transaction_id, COUNT(*) || ' times ' || code, 'one'
FROM savings_entry
GROUP BY transaction_id, code HAVING COUNT(*) > 1
ORDER BY transaction_id
