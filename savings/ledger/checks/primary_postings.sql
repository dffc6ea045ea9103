-- A successful or reversed transaction has one primary posting of its amount; other transactions have none.
WITH postings AS (
    SELECT transaction_id, COUNT(*) AS times, SUM(amount_kobo) AS kobo
    FROM savings_entry WHERE code = 'primary' GROUP BY transaction_id
),
compared AS (
    SELECT t.id, t.reference, t.status, COALESCE(p.times, 0) AS times, COALESCE(p.kobo, 0) AS kobo,
        CASE WHEN t.status IN {settled} THEN 1 ELSE 0 END AS due_times,
        CASE WHEN t.status IN {settled} THEN t.amount_kobo ELSE 0 END AS due_kobo
    FROM savings_transaction t LEFT JOIN postings p ON p.transaction_id = t.id
)
SELECT 'transaction ' || reference || ' (' || status || ')',
    times || ' of ' || kobo || ' in all',
    due_times || ' of ' || due_kobo
FROM compared
WHERE times <> due_times OR kobo <> due_kobo
ORDER BY id
