-- The balance of a user's hold account is what their withdrawals and fees in flight set aside.
WITH sides AS (
    SELECT user_id, balance_kobo AS held, 0 AS in_flight FROM savings_account WHERE kind = 'hold'
    UNION ALL
    SELECT t.user_id, 0, e.amount_kobo
    FROM savings_transaction t JOIN savings_entry e ON e.transaction_id = t.id AND e.code = 'hold'
    WHERE t.kind IN ('stash_withdrawal', 'fee') AND t.status IN ('pending', 'review')
)
SELECT 'the hold of user ' || user_id, SUM(held), SUM(in_flight)
FROM sides GROUP BY user_id HAVING SUM(held) <> SUM(in_flight)
ORDER BY user_id
