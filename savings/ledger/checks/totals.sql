-- Debits equal credits: the stored balances of customers and the summed balances of house accounts add up to zero.
WITH legs AS ({legs}),
books AS (
    SELECT (SELECT COALESCE(SUM(balance_kobo), 0) FROM savings_account WHERE kind IN {customers}) AS customers,
        COALESCE(SUM(CASE WHEN a.kind IN {customers} THEN 0 ELSE l.change END), 0) AS house
    FROM legs l JOIN savings_account a ON a.id = l.account_id
)
SELECT 'the sum of all accounts', customers + house, 0 FROM books WHERE customers + house <> 0 ORDER BY 1
