-- No account of the house is on the wrong side: it neither has nor owes less than nothing, and no income or expense is
-- negative. Nor is what one person owes (receivable). Only refunds and chargebacks may leave less than nothing in clearing
-- and the provider balance: the provider takes the rest out of the next settlements.
WITH legs AS NOT MATERIALIZED ({legs}),
sums AS (
    SELECT a.kind || COALESCE(' ' || NULLIF(a.provider, ''), '') AS name,
        SUM(CASE WHEN a.kind IN {debit_kinds} THEN -l.change ELSE l.change END) AS balance_kobo
    FROM legs l JOIN savings_account a ON a.id = l.account_id
    WHERE a.kind NOT IN {customers} AND a.kind <> 'adjustments' AND NOT (a.kind IN ('clearing', 'provider_balance')
        AND l.transaction_id IN (SELECT id FROM savings_transaction WHERE refunds_id IS NOT NULL))
    GROUP BY a.kind, a.provider
    UNION ALL
    SELECT 'receivable of user ' || t.user_id, SUM(-l.change)
    FROM savings_account a JOIN legs l ON l.account_id = a.id JOIN savings_transaction t ON t.id = l.transaction_id
    WHERE a.kind = 'receivable'
    GROUP BY t.user_id
)
SELECT name, balance_kobo, 'zero or more' FROM sums WHERE balance_kobo < 0 ORDER BY name
