-- Each reference belongs to one transaction.
SELECT 'reference ' || reference, COUNT(*) || ' transactions', 'one'
FROM savings_transaction
GROUP BY reference HAVING COUNT(*) > 1
ORDER BY reference
