-- A payment takes no more out of suspense than came in for it, and all of it where its review is closed: with the parts
-- that released its money to somebody, its refunds, and what its chargebacks took.
WITH moved AS (
    SELECT COALESCE(paid.part_of_id, paid.id, family.id) AS payment_id,
        CASE WHEN d.kind = 'suspense' THEN e.amount_kobo ELSE 0 END AS taken_out,
        CASE WHEN c.kind = 'suspense' THEN e.amount_kobo ELSE 0 END AS put_in
    FROM savings_entry e
    JOIN savings_account d ON d.id = e.debit_account_id
    JOIN savings_account c ON c.id = e.credit_account_id
    JOIN savings_transaction t ON t.id = e.transaction_id
    JOIN savings_transaction family ON family.id = COALESCE(t.part_of_id, t.id)
    LEFT JOIN savings_transaction paid ON paid.id = COALESCE(t.refunds_id, family.refunds_id)
    WHERE d.kind = 'suspense' OR c.kind = 'suspense'
),
sums AS (SELECT payment_id, SUM(taken_out) AS taken_out, SUM(put_in) AS put_in FROM moved GROUP BY payment_id)
SELECT 'transaction ' || p.reference, COALESCE(s.taken_out, 0) || ' out',
    CASE WHEN p.status = 'closed' THEN 'all of ' ELSE 'at most ' END || COALESCE(s.put_in, 0)
FROM savings_transaction p LEFT JOIN sums s ON s.payment_id = p.id
WHERE s.taken_out > s.put_in OR p.status = 'closed' AND COALESCE(s.put_in - s.taken_out, -1) <> 0
ORDER BY p.id
