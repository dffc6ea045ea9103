-- A family takes no more out of suspense than came in for it, and all of it where its review is closed.
WITH families AS (
    SELECT COALESCE(t.part_of_id, t.id) AS first_id,
        SUM(CASE WHEN c.kind = 'suspense' THEN e.amount_kobo ELSE 0 END) AS arrived,
        SUM(CASE WHEN d.kind = 'suspense' THEN e.amount_kobo ELSE 0 END) AS gone
    FROM savings_entry e
    JOIN savings_account d ON d.id = e.debit_account_id
    JOIN savings_account c ON c.id = e.credit_account_id
    JOIN savings_transaction t ON t.id = e.transaction_id
    WHERE d.kind = 'suspense' OR c.kind = 'suspense'
    GROUP BY COALESCE(t.part_of_id, t.id)
)
SELECT 'transaction ' || first.reference, COALESCE(gone, 0) || ' out',
    CASE WHEN first.status = 'closed' THEN 'all of ' ELSE 'at most ' END || COALESCE(arrived, 0)
FROM savings_transaction first LEFT JOIN families ON families.first_id = first.id
WHERE gone > arrived OR first.status = 'closed' AND COALESCE(arrived - gone, -1) <> 0
ORDER BY first.id
